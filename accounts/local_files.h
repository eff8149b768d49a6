#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "accounts/keeper.h"

namespace pamcognito::accounts {

// The names and ids that the files below /etc use: passwd, group, subuid, subgid.
class LocalFiles {
 public:
  // A missing passwd or group is a refusal; a missing subuid or subgid is empty.
  static Result<LocalFiles> read(const std::string& root);

  [[nodiscard]] bool has_name(std::string_view name) const { return names_.contains(name); }
  // The file that uses the id, or nullopt.
  [[nodiscard]] std::optional<std::string> user_of(std::uint32_t id) const { return meets(id, id); }
  // The file that uses an id of this range, or nullopt.
  [[nodiscard]] std::optional<std::string> meets(std::uint32_t first, std::uint32_t last) const;
  // The first group of this name, as libc finds it.
  [[nodiscard]] std::optional<gid_t> gid_of(std::string_view group) const;

 private:
  struct Range {
    std::uint64_t first = 0;
    std::uint64_t last = 0;
    const char* file = nullptr;
  };
  enum class Table : std::uint8_t { passwd, group, subordinate };

  Result<void> read_file(const std::string& root, const char* path, Table table);
  void take_line(std::string_view line, const char* path, Table table);

  std::set<std::string, std::less<>> names_;
  std::map<std::string, gid_t, std::less<>> gids_;
  std::map<std::uint32_t, const char*> ids_;
  std::vector<Range> ranges_;
};

}  // namespace pamcognito::accounts
