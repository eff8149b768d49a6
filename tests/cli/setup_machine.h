#pragma once

#include <json/json.h>

#include <filesystem>
#include <string>
#include <vector>

#include "tests/cli/transcript.h"

// A machine for `cognitoctl setup`: a tree with programs that note their calls, and cognito-pool
// over HTTPS.
namespace pamcognito::test {

namespace fs = std::filesystem;

extern std::string g_root;   // of the tree
extern Json::Value g_ready;  // what the pool reports: its ids and URLs

// cmocka's functions for a group and for a test.
int start_pool(void**);
int stop_pool(void**);
int fresh_machine(void**);

std::string read_file(const fs::path& path);
void write_below_root(const std::string& path, const std::string& text);
void write_program(const std::string& path, const std::string& script);
// The calls of the programs, a line each.
std::string calls();
std::string tree();

std::string ca_file();
std::string config_path();
// The command line, which ends with the groups and --yes.
std::vector<std::string> setup_with(const std::string& client, const std::string& ca_file);
Finished set_up();

}  // namespace pamcognito::test
