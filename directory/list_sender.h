#pragma once

#include <expected>
#include <string>

#include "accounts/directory_list.h"
#include "accounts/list_message.h"
#include "common/deadline.h"

namespace pamcognito::directory {

// Gives the list to cognitod-accounts, and returns its answer.
std::expected<accounts::ListAnswer, std::string> send_list(const accounts::DirectoryList& list,
                                                           Deadline deadline);

}  // namespace pamcognito::directory
