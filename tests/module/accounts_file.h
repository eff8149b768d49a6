#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "accounts/image.h"
#include "nss/accounts_format.h"
#include "tests/module/check.h"

namespace pamcognito::test {

// A record of the accounts file.
struct Stored {
  std::string name;
  uid_t uid;
  accounts::State state = accounts::State::active;
};

// The content of an accounts file with these records and no groups.
inline std::string accounts_file(const std::vector<Stored>& records) {
  accounts::ImageContent content;
  content.generation = 3;
  content.seed = 7;
  for (const Stored& record : records)
    content.users.push_back({record.name, record.uid, record.state, 0, 0});
  const auto image = accounts::make_v1(content);
  assert_true(image.has_value());
  return *image;
}

}  // namespace pamcognito::test
