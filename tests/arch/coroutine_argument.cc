// Compiled by ctest, never linked: with PASS_AN_AGGREGATE it must not compile.
#include <string>

#include "daemon/runtime/task.h"

namespace {

using pamcognito::runtime::Task;

struct Argument {
  std::string text;
#ifndef PASS_AN_AGGREGATE
  Argument() = default;
#endif
};

Task<int> coroutine(Argument argument) {
  co_return static_cast<int>(argument.text.size());
}

}  // namespace

Task<int> use() {
  return coroutine(Argument());
}
