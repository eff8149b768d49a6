#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "accounts/image_files.h"
#include "accounts/keeper.h"
#include "accounts/key_files.h"
#include "accounts/local_files.h"
#include "accounts/settings.h"
#include "accounts/store.h"
#include "common/fd.h"

namespace pamcognito::accounts {

// One change: the lock, the facts that decide, and the content to change. finish() writes what
// changed, and the image if it differs; without finish() nothing changes.
class Operation {
 public:
  enum class Start : std::uint8_t {
    create,  // makes what is missing
    check,   // examines all pages of the database
    usual,
  };
  // Waits for another change at most this long.
  static constexpr std::chrono::milliseconds kLockWait = std::chrono::seconds(10);
  static Result<Operation> begin(const std::string& root, Start start,
                                 std::chrono::milliseconds wait = kLockWait);

  Settings settings;
  LocalFiles local;
  Content content;

  void put(const Account& account);
  // The name gets a tombstone in place of its account.
  void bury(const std::string& name, const std::string& renamed_to);
  void unbury(const std::string& name);
  void add_tombstone(const Tombstone& tombstone);
  // After a change of content.directory.
  void keep_directory() noexcept { dirty_.directory = true; }

  // The account that has the uid; a tombstone that has it, except one; the name whose account, or
  // else tombstone, has the sub. nullptr: none. Each look-up takes the same time for any number of
  // accounts.
  [[nodiscard]] const Account* account_of(uid_t uid);
  [[nodiscard]] const Tombstone* tombstone_of(uid_t uid, const Tombstone* except);
  [[nodiscard]] const std::string* name_of(std::string_view pool, std::string_view sub);

  // The SSH keys in the attribute of an account in place of its present ones. Returns what the log
  // is told: keys that differ from before, and entries with faults.
  std::string give_keys(const Account& account, std::string_view text);
  // The file of an account, if its keys count.
  [[nodiscard]] std::optional<KeyFile> keys_of(const Account& account) const;

  // The mapped local groups of Cognito groups, a bit each.
  [[nodiscard]] std::uint64_t groups_of(const Account& account) const;
  // Empty, or what begin() changed because the database is older than the accounts file, and which
  // key files finish() could not write or remove.
  [[nodiscard]] const std::string& remark() const noexcept { return remark_; }
  Result<void> finish();

 private:
  Operation(const std::string& root, Fd lock, Settings settings_, LocalFiles local_, Store store,
            ImageFiles images);
  [[nodiscard]] ImageContent image_content() const;
  void follow_newer_file();
  void add_remark(const std::string& text);

  [[nodiscard]] bool may_have_keys(const Account& account) const;
  [[nodiscard]] std::int64_t keys_end(const Account& account) const;
  void stage_keys();
  void unstage_keys() const noexcept;
  Result<void> remove_keys();
  void publish_keys();

  std::string root_;
  Fd lock_;
  Store store_;
  ImageFiles images_;
  bool makes_tables_ = false;
  std::vector<ImageGroup> groups_;
  std::vector<std::size_t> mapped_;  // of each image group: its index in settings.groups
  Dirty dirty_;
  std::optional<KeyFiles> keys_;  // absent: their directory cannot be trusted
  std::map<uid_t, std::vector<SshKey>> new_keys_;
  std::set<uid_t> staged_keys_;
  std::set<uid_t> changed_uids_;
  std::string remark_;

  // Made by the first look-up. A name stays after its account or tombstone has changed, so each
  // look-up compares.
  void make_index();
  void add_to_index(const std::string& name, uid_t uid, std::string_view pool,
                    std::string_view sub);
  bool has_index_ = false;
  std::unordered_multimap<uid_t, std::string> by_uid_;
  std::unordered_multimap<std::string, std::string> by_person_;
};

}  // namespace pamcognito::accounts
