// guest_bench: see bench.h. The word topic=block, console, net, net-peer or port-peer says what it does.

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <string>

#include "benchmarks/guest/bench.h"

int main() {
    using namespace husk::bench;
    std::signal(SIGPIPE, SIG_IGN);
    PrepareConsole();
    const std::string topic = Word("topic");
    errno = 0;
    if (topic == "block") {
        BenchBlock();
    } else if (topic == "console") {
        BenchConsole();
    } else if (topic == "net") {
        BenchNet();
    } else if (topic == "net-peer") {
        ServeNet();
    } else if (topic == "port-peer") {
        ServePort();
    } else {
        Fail("there is no topic \"" + topic + "\"");
    }
    std::puts("bench: done");
    End(0);
}
