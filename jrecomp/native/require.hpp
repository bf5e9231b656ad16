// The check of arguments that the native modules use.
#pragma once

#include <stdexcept>

namespace jrecomp {

// Throws std::invalid_argument, ValueError in Python, unless the condition holds.
inline void require(bool condition, const char* message) {
    if (!condition) throw std::invalid_argument(message);
}

}  // namespace jrecomp
