#pragma once

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

std::string write_document(const Content& content);
// Checks the grammar and bounds of each value.
Result<Document> read_document(std::string_view text);

}  // namespace pamcognito::accounts
