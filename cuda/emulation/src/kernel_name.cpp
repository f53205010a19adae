#include "kernel_name.h"

#include <cxxabi.h>
#include <dlfcn.h>
#include <elf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <fstream>
#include <iterator>
#include <vector>

namespace grpo4j::emulation {
namespace {

// The symbols of functions that nobody exports are only in the file.
std::string symbol_at(const std::vector<char>& file, uint64_t address) {
  Elf64_Ehdr header;
  if (file.size() < sizeof header) return "";
  memcpy(&header, file.data(), sizeof header);
  for (int i = 0; i < header.e_shnum; ++i) {
    Elf64_Shdr table, names;
    const uint64_t offset = header.e_shoff + sizeof table * static_cast<uint64_t>(i);
    memcpy(&table, file.data() + offset, sizeof table);
    if (table.sh_type != SHT_SYMTAB) continue;
    memcpy(&names, file.data() + header.e_shoff + sizeof names * table.sh_link, sizeof names);
    for (uint64_t at = 0; at + sizeof(Elf64_Sym) <= table.sh_size; at += sizeof(Elf64_Sym)) {
      Elf64_Sym symbol;
      memcpy(&symbol, file.data() + table.sh_offset + at, sizeof symbol);
      if (ELF64_ST_TYPE(symbol.st_info) == STT_FUNC && symbol.st_value == address) {
        return file.data() + names.sh_offset + symbol.st_name;
      }
    }
  }
  return "";
}

std::string readable(const std::string& symbol) {
  int status = 0;
  char* demangled = abi::__cxa_demangle(symbol.c_str(), nullptr, nullptr, &status);
  const std::string name = status == 0 ? demangled : symbol;
  free(demangled);
  return name;
}

}  // namespace

std::string kernel_name(const void* function) {
  Dl_info info;
  if (dladdr(function, &info) != 0 && info.dli_fname != nullptr) {
    std::ifstream stream(info.dli_fname, std::ios::binary);
    const std::vector<char> file{std::istreambuf_iterator<char>(stream), {}};
    const uint64_t base = reinterpret_cast<uint64_t>(info.dli_fbase);
    // Executables at a fixed address have absolute symbols.
    for (uint64_t offset : {base, uint64_t{0}}) {
      const std::string symbol = symbol_at(file, reinterpret_cast<uint64_t>(function) - offset);
      if (!symbol.empty()) return readable(symbol);
    }
  }
  char text[40];
  snprintf(text, sizeof text, "kernel at %p", function);
  return text;
}

}  // namespace grpo4j::emulation
