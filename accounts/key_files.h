#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "accounts/keeper.h"
#include "accounts/ssh_keys.h"
#include "common/fd.h"

// The files that sshd reads: AuthorizedKeysFile /var/lib/pam-cognito-accounts/keys/%U.
//
// A file has the number of a uid, not a name. So a local user who gets the name of an account later
// has no file here, and neither has root. The modification time of a file is the time until which
// its keys count, so that files can be judged without being read.
namespace pamcognito::accounts {

inline constexpr char kKeysDirectory[] = "/var/lib/pam-cognito-accounts/keys";

class KeyFiles {
 public:
  // An absent directory has no files; `create` makes it.
  static Result<KeyFiles> open(const std::string& root, bool create);

  struct Entry {
    std::string name;
    uid_t uid = 0;
    bool is_new = false;  // it was staged, and is not published
    std::int64_t until = 0;
    bool is_sound = false;  // root's regular file of mode 0644, with this one name
  };
  // The files that this class writes. Other names, and directories, are left alone.
  Result<std::vector<Entry>> list() const;
  // nullopt: no such file, or no sound one.
  [[nodiscard]] std::optional<KeyFile> read(uid_t uid) const;

  Result<void> remove(const std::string& name) const;
  // The removals last, whatever happens to the machine.
  Result<void> sync() const;
  // Writes a file beside the present one. publish() puts it into its place.
  Result<void> stage(uid_t uid, const KeyFile& file) const;
  void unstage(uid_t uid) const noexcept;
  Result<void> publish(uid_t uid) const;

 private:
  KeyFiles(Fd directory, std::string path)
      : directory_(std::move(directory)), path_(std::move(path)) {}

  Fd directory_;  // may be absent
  std::string path_;
};

}  // namespace pamcognito::accounts
