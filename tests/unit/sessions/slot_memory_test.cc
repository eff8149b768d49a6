#include "daemon/sessions/slot_memory.h"

#include <cinttypes>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <string>

#include "tests/cmocka_cpp.h"

namespace {

using pamcognito::sessions::SlotMemory;

// The kernel's flags of the mapping that begins there: proc_pid_smaps(5), VmFlags.
std::string flags_of_mapping(const void* start) {
  std::ifstream smaps("/proc/self/smaps");
  bool here = false;
  for (std::string line; std::getline(smaps, line);) {
    std::uintptr_t first = 0;
    std::uintptr_t last = 0;
    if (std::sscanf(line.c_str(), "%" SCNxPTR "-%" SCNxPTR " ", &first, &last) == 2)
      here = first == reinterpret_cast<std::uintptr_t>(start);
    else if (here && line.starts_with("VmFlags:"))
      return line + " ";
  }
  fail_msg("the mapping is not there");
  return {};
}

void the_sessions_are_locked_and_not_dumped(void**) {
  const auto memory = SlotMemory::create(4, 2048, true);
  assert_true(memory.has_value());
  const std::string flags = flags_of_mapping(memory->slot(0).data() - SlotMemory::kHeaderSize);
  if (!flags.contains(" lo ")) fail_msg("not locked: %s", flags.c_str());
  if (!flags.contains(" dd ")) fail_msg("would be dumped: %s", flags.c_str());
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(the_sessions_are_locked_and_not_dumped),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
