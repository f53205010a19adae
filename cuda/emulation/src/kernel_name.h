#pragma once

#include <string>

namespace grpo4j::emulation {

// The name of the function at an address, from the symbol table of the file it was loaded from;
// "kernel at 0x..." in stripped files.
std::string kernel_name(const void* function);

}  // namespace grpo4j::emulation
