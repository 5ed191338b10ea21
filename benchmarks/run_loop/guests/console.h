// Text to the serial port, byte by byte; each costs two exits, so nothing is printed while something is measured.
#pragma once

#include <cstdint>

namespace guest {

void Print(const char* text);
void PrintDecimal(std::uint64_t value);
void PrintHex(std::uint64_t value);

}  // namespace guest
