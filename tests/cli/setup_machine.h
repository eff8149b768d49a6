#pragma once

#include <json/json.h>

#include <filesystem>
#include <string>
#include <vector>

#include "tests/cli/transcript.h"
#include "tests/module/sandbox.h"

// A tree that `cognitoctl setup` configures, with programs that note their calls, and a
// cognito-pool over HTTPS.
namespace pamcognito::test {

namespace fs = std::filesystem;

extern std::string g_root;
extern Child g_pool;
extern Json::Value g_ready;

std::string read_file(const fs::path& path);
int stop_pool(void**);
int start_pool(void**);
std::vector<std::string> setup_with(const std::string& client, const std::string& ca_file);
std::string ca_file();
std::string config_path();
void write_below_root(const std::string& path, const std::string& text);
void write_program(const std::string& path, const std::string& script);
int fresh_machine(void**);
std::string calls();
std::string tree();
Finished set_up();

}  // namespace pamcognito::test
