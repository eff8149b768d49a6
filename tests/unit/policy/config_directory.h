#pragma once

#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <ios>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>

namespace pamcognito::test {

// An empty directory that goes with the test, and a configuration in it.
class ConfigDirectory {
 public:
  ConfigDirectory() {
    std::string pattern =
        (std::filesystem::temp_directory_path() / "pam-cognito-test-XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("mkdtemp");
    root_ = pattern;
    write("ca.pem", "");
  }
  ConfigDirectory(const ConfigDirectory&) = delete;
  ConfigDirectory& operator=(const ConfigDirectory&) = delete;
  ~ConfigDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(root_, ignored);
  }

  std::string write(const std::string& name, std::string_view text) const {
    const std::filesystem::path path = root_ / name;
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path, std::ios::binary) << text;
    set_mode(name, 0644);
    return path.string();
  }
  void set_mode(const std::string& name, mode_t mode) const {
    if (::chmod((root_ / name).c_str(), mode) != 0) throw std::runtime_error("chmod");
  }
  [[nodiscard]] std::string path(const std::string& name) const { return (root_ / name).string(); }

  // The lines that make a pool, so that a test adds only what it is about.
  [[nodiscard]] std::string pool() const {
    return "[pool]\nregion = eu-west-1\nuser_pool_id = eu-west-1_Example\n"
           "client_id = 1example23456789\nca_file = " +
           path("ca.pem") + "\n";
  }

 private:
  std::filesystem::path root_;
};

}  // namespace pamcognito::test
