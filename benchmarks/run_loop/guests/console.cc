#include "console.h"

#include "machine.h"

namespace guest {
namespace {

constexpr std::uint16_t kUartData = 0x3f8;
constexpr std::uint16_t kUartLineStatus = 0x3fd;
constexpr std::uint8_t kHoldingEmpty = 0x20;

void PrintByte(char byte) {
    while ((In8(kUartLineStatus) & kHoldingEmpty) == 0) {
    }
    Out8(kUartData, static_cast<std::uint8_t>(byte));
}

void PrintNumber(std::uint64_t value, std::uint64_t base) {
    if (value >= base) PrintNumber(value / base, base);
    PrintByte("0123456789abcdef"[value % base]);
}

}  // namespace

void Print(const char* text) {
    for (; *text != '\0'; ++text) PrintByte(*text);
}
void PrintDecimal(std::uint64_t value) { PrintNumber(value, 10); }
void PrintHex(std::uint64_t value) { PrintNumber(value, 16); }

}  // namespace guest
