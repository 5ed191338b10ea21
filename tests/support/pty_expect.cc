// pty_expect: runs a command on a new pseudo-terminal (--pipe: on pipes) and converses with it by a script.
//
//   pty_expect [--pipe] SCRIPT -- COMMAND ARGS...     (SCRIPT "-": read the script from standard input)
//
// One step a line; # starts a comment line. TEXT knows the escapes \n \r \t \e \0 \\ \" and \xHH.
//
//   expect "TEXT" SECONDS   TEXT appears within that time, behind whatever the previous expect matched
//   absent "TEXT"           TEXT has not appeared at all so far
//   send "TEXT"             types TEXT
//   signal NAME             TERM, KILL, HUP... to the command's first process only
//   sleep SECONDS           waits; output is still collected
//   window COLS ROWS        the terminal's window changes to that size
//   eof                     end of input: closes the command's stdin; on a terminal, types its end-of-file character
//   termios-sane            the terminal's settings equal those from before the start
//   exit STATUS SECONDS     the command ends in time with STATUS (128 + N if signal N killed it)
//
// What the command prints goes to standard output as it comes. Status 0: every step held and the command ended;
// 1: a step failed, it is named on standard error and the command's process group is killed; 2: usage.
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <functional>
#include <iostream>
#include <optional>
#include <regex>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace {

// A step that failed, or a script that cannot be read. The text is for a person.
struct Failure : std::runtime_error {
    using std::runtime_error::runtime_error;
};

void Check(bool ok, const std::string& what) {
    if (!ok) throw Failure(what + ": " + std::strerror(errno));
}

// The command, and the terminal or pipes it runs on. One member function for each kind of step.
class Conversation {
 public:
    Conversation(char* const argv[], bool pipes) : on_terminal_(!pipes) {
        const Descriptors child = pipes ? OpenPipes() : OpenTerminal();
        Check((pid_ = fork()) >= 0, "fork");
        if (pid_ == 0) BecomeCommand(argv, child);
        if (on_terminal_) return;  // Its slave end stays open here: the settings must outlive the command.
        for (const int fd : {child[0], child[1]}) close(fd);
    }
    Conversation(Conversation&&) = delete;
    ~Conversation() {
        if (status_ || pid_ <= 0) return;
        kill(-pid_, SIGKILL);
        waitpid(pid_, nullptr, 0);
    }

    void Expect(const std::string& text, double seconds) {
        const auto seen = [&] { return output_.find(text, matched_) != std::string::npos; };
        PumpUntil(seconds, [&] { return seen() || HasExited(); });
        if (!seen()) throw Failure(HasExited() ? "it ended with " + std::to_string(*status_) : "not seen in time");
        matched_ = output_.find(text, matched_) + text.size();
    }

    void Absent(const std::string& text) {
        Collect();
        if (output_.find(text) != std::string::npos) throw Failure("it was printed");
    }

    void Send(std::string_view text) {
        PumpUntil(10, [&] {
            const ssize_t n = write(to_, text.data(), text.size());
            Check(n >= 0 || errno == EAGAIN || errno == EINTR, "cannot write to the command");
            text.remove_prefix(static_cast<std::size_t>(std::max<ssize_t>(n, 0)));
            return text.empty();
        });
        if (!text.empty()) throw Failure("the command does not read its input");
    }

    void Signal(int number) {
        if (HasExited() || kill(pid_, number) != 0) throw Failure("the command has ended already");
    }

    void Sleep(double seconds) {
        PumpUntil(seconds, [] { return false; });
    }

    void Window(unsigned short cols, unsigned short rows) {
        const winsize size{.ws_row = rows, .ws_col = cols, .ws_xpixel = 0, .ws_ypixel = 0};
        Check(on_terminal_ && ioctl(from_, TIOCSWINSZ, &size) == 0, "cannot change the window's size");
    }

    void EndOfInput() {
        if (on_terminal_) return Send(std::string(1, static_cast<char>(Settings().c_cc[VEOF])));
        if (to_ >= 0) close(std::exchange(to_, -1));
    }

    void TermiosSane() {
        if (!on_terminal_) throw Failure("there is no terminal with --pipe");
        const termios now = Settings();
        const bool same = now.c_iflag == before_.c_iflag && now.c_oflag == before_.c_oflag &&
                          now.c_cflag == before_.c_cflag && now.c_lflag == before_.c_lflag &&
                          std::ranges::equal(now.c_cc, before_.c_cc);
        if (!same) throw Failure("the terminal's settings differ from those before the start");
    }

    void Exit(int status, double seconds) {
        PumpUntil(seconds, [&] { return HasExited(); });
        if (!HasExited()) throw Failure("the command still runs");
        if (*status_ != status) throw Failure("the command ended with " + std::to_string(*status_));
    }

    bool HasExited() {
        int raw = 0;
        if (!status_ && waitpid(pid_, &raw, WNOHANG) == pid_) {
            status_ = WIFEXITED(raw) ? WEXITSTATUS(raw) : 128 + WTERMSIG(raw);
            Collect();
        }
        return status_.has_value();
    }

 private:
    using Descriptors = std::array<int, 3>;  // what becomes the command's 0, 1 and 2

    Descriptors OpenTerminal() {
        from_ = to_ = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
        Check(from_ >= 0 && grantpt(from_) == 0 && unlockpt(from_) == 0, "cannot open a pseudo-terminal");
        const int slave = ioctl(from_, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
        const winsize size{.ws_row = 24, .ws_col = 80, .ws_xpixel = 0, .ws_ypixel = 0};
        Check(slave >= 0 && ioctl(slave, TIOCSWINSZ, &size) == 0, "cannot open a pseudo-terminal's slave end");
        before_ = Settings();
        return {slave, slave, slave};
    }

    Descriptors OpenPipes() {
        std::array<int, 2> in{};
        std::array<int, 2> out{};
        Check(pipe2(in.data(), O_CLOEXEC) == 0 && pipe2(out.data(), O_CLOEXEC) == 0, "pipe");
        Check(fcntl(in[1], F_SETFL, O_NONBLOCK) == 0 && fcntl(out[0], F_SETFL, O_NONBLOCK) == 0, "fcntl");
        to_ = in[1];
        from_ = out[0];
        return {in[0], out[1], out[1]};
    }

    [[noreturn]] void BecomeCommand(char* const argv[], const Descriptors& child) const {
        setsid();
        if (on_terminal_) ioctl(child[0], TIOCSCTTY, 0);
        for (int fd = 0; fd < 3; ++fd) dup2(child[static_cast<std::size_t>(fd)], fd);
        signal(SIGPIPE, SIG_DFL);
        execvp(argv[0], argv);
        std::cerr << argv[0] << ": " << std::strerror(errno) << std::endl;
        _exit(127);
    }

    termios Settings() const {  // Linux answers for the terminal on either end.
        termios now{};
        Check(tcgetattr(from_, &now) == 0, "tcgetattr");
        return now;
    }

    // Takes what there is to read, without waiting.
    void Collect() {
        std::array<char, 4096> block{};
        while (from_ >= 0) {
            const ssize_t n = read(from_, block.data(), block.size());
            if (n < 0 && errno == EINTR) continue;
            if (n == 0) close(std::exchange(from_, -1));  // Pipes only: every writer is gone.
            if (n <= 0) return;
            output_.append(block.data(), static_cast<std::size_t>(n));
            std::cout.write(block.data(), n).flush();
        }
    }

    // Collects output until `done`, asked after every output and every 20 ms, or until the time is over.
    template <typename Done>
    void PumpUntil(double seconds, Done done) {
        const auto deadline = std::chrono::steady_clock::now() + std::chrono::duration<double>(seconds);
        for (Collect(); !done() && std::chrono::steady_clock::now() < deadline; Collect()) {
            pollfd output{from_, POLLIN, 0};
            poll(&output, 1, 20);
        }
    }

    bool on_terminal_;
    int from_ = -1;  // the command's output
    int to_ = -1;    // its input; the same descriptor on a terminal
    pid_t pid_ = -1;
    termios before_{};
    std::string output_;
    std::size_t matched_ = 0;  // Expect looks only behind this offset.
    std::optional<int> status_;
};

using Step = std::function<void(Conversation&)>;

// Does `work`; a failure in it gets `where` put in front.
template <typename Work>
auto At(const std::string& where, Work work) {
    try {
        return work();
    } catch (const Failure& failure) {
        throw Failure(where + ": " + failure.what());
    }
}

// `text` holds only the escapes that the grammar in ParseStep lets through.
std::string Unescape(std::string text) {
    for (std::size_t at = text.find('\\'); at != std::string::npos; at = text.find('\\', at + 1)) {
        static constexpr std::string_view kFrom = "nrte0\\\"";
        static constexpr std::string_view kTo("\n\r\t\x1b\0\\\"", 7);
        const bool hex = text[at + 1] == 'x';
        const int byte = hex ? std::stoi(text.substr(at + 2, 2), nullptr, 16) : kTo[kFrom.find(text[at + 1])];
        text.replace(at, hex ? 4 : 2, 1, static_cast<char>(byte));
    }
    return text;
}

double Number(const std::string& word) {
    if (word.find_first_not_of("0123456789.") != std::string::npos) throw Failure("not a number: " + word);
    return std::strtod(word.c_str(), nullptr);
}

int SignalNumber(const std::string& name) {
    for (int number = 1; number < SIGRTMIN; ++number) {
        if (const char* known = sigabbrev_np(number); known != nullptr && name == known) return number;
    }
    throw Failure("unknown signal: " + name);
}

Step ParseStep(const std::string& line) {
    using C = Conversation;
    // verb, then perhaps a quoted text, then up to two bare words
    static const std::regex kGrammar(R"re(\s*([a-z-]+)(\s+"(([^"\\]|\\[nrte0\\"]|\\x[0-9a-fA-F]{2})*)")?)re"
                                     R"re((\s+([^\s"]+))?(\s+([^\s"]+))?\s*)re");
    std::smatch part;
    if (!std::regex_match(line, part, kGrammar)) throw Failure("not a step");
    const std::string text = Unescape(part.str(3));
    const std::string a = part.str(6), b = part.str(8);
    const std::string shape =
        part.str(1) + (part[2].matched ? " TEXT" : "") + (a.empty() ? "" : " A") + (b.empty() ? "" : " B");
    if (shape == "expect TEXT A") return [text, limit = Number(a)](C& c) { c.Expect(text, limit); };
    if (shape == "absent TEXT") return [text](C& c) { c.Absent(text); };
    if (shape == "send TEXT") return [text](C& c) { c.Send(text); };
    if (shape == "signal A") return [number = SignalNumber(a)](C& c) { c.Signal(number); };
    if (shape == "sleep A") return [time = Number(a)](C& c) { c.Sleep(time); };
    if (shape == "window A B") {
        return [cols = static_cast<unsigned short>(Number(a)), rows = static_cast<unsigned short>(Number(b))](C& c) {
            c.Window(cols, rows);
        };
    }
    if (shape == "eof") return &C::EndOfInput;
    if (shape == "termios-sane") return &C::TermiosSane;
    if (shape == "exit A B") {
        return [status = static_cast<int>(Number(a)), limit = Number(b)](C& c) { c.Exit(status, limit); };
    }
    throw Failure("not a step");
}

std::vector<Step> ParseScript(std::istream& in) {
    std::vector<Step> steps;
    std::string line;
    for (int number = 1; std::getline(in, line); ++number) {
        const std::size_t first = line.find_first_not_of(" \t");
        if (first == std::string::npos || line[first] == '#') continue;
        const std::string where = std::to_string(number) + ": " + line.substr(first);
        const Step step = At(where, [&] { return ParseStep(line); });
        steps.emplace_back([where, step](Conversation& c) { At(where, [&] { step(c); }); });
    }
    return steps;
}

}  // namespace

int main(int argc, char** argv) {
    const bool pipes = argc > 1 && std::string_view(argv[1]) == "--pipe";
    char** const args = argv + (pipes ? 2 : 1);
    if (argv + argc - args < 3 || std::string_view(args[1]) != "--") {
        std::cerr << "usage: pty_expect [--pipe] SCRIPT -- COMMAND ARGS...\n";
        return 2;
    }
    signal(SIGPIPE, SIG_IGN);
    const std::string name = args[0];
    try {
        std::ifstream file;
        if (name != "-") file.open(name);
        Check(!file.fail(), "cannot be read");
        const std::vector<Step> steps = ParseScript(name == "-" ? std::cin : file);
        Conversation conversation(args + 2, pipes);
        for (const Step& step : steps) step(conversation);
        if (!conversation.HasExited()) throw Failure("end: the command still runs (an `exit` step is missing)");
    } catch (const Failure& failure) {
        std::cerr << "\npty_expect: " << name << ": " << failure.what() << '\n';
        return 1;
    }
    return 0;
}
