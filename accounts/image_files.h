#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "accounts/image.h"
#include "accounts/keeper.h"
#include "common/fd.h"

namespace pamcognito::accounts {

// The accounts files, one for each format, in their directory.
class ImageFiles {
 public:
  static Result<ImageFiles> open(const std::string& root, bool create);

  // False: a file is missing, is not root's, or has other bytes than the content gives.
  Result<bool> equal(const ImageContent& content) const;
  // The largest generation and number of users of the files that have a valid header; 0 without
  // one.
  struct Head {
    std::uint64_t generation = 0;
    std::uint32_t users = 0;
  };
  [[nodiscard]] Head head() const;
  // The users of the file of the newest format; nullopt: it cannot be read, or is damaged.
  [[nodiscard]] std::optional<std::vector<ImageUser>> users() const;

  // Writes new files beside the present ones, and puts them into their places. unstage()
  // or the next stage() removes a file that was staged and not published.
  // `images`: one for each format, as ImageFormat::make() gives them.
  Result<void> stage(const std::vector<std::string>& images) const;
  void unstage() const noexcept;
  Result<void> publish() const;

 private:
  ImageFiles(Fd directory, std::string path)
      : directory_(std::move(directory)), path_(std::move(path)) {}

  Fd directory_;
  std::string path_;
};

}  // namespace pamcognito::accounts
