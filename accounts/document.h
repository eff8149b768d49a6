#pragma once

#include <json/value.h>

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "accounts/keeper.h"
#include "accounts/store.h"

// Accounts and former accounts as one JSON document, without the fleet key.
namespace pamcognito::accounts {

struct Document {
  std::vector<Account> accounts;
  std::vector<Tombstone> tombstones;
};

// 100,000 accounts of about 300 bytes are half of it.
inline constexpr std::size_t kMaxDocument = 64UL * 1024 * 1024;

// One account, as in the document.
Json::Value to_json(const Account& account);

std::string write_document(const Content& content);
// Checks the grammar and bounds of each value.
Result<Document> read_document(std::string_view text);

}  // namespace pamcognito::accounts
