#include "cli/setup/values.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <expected>
#include <string_view>
#include <utility>
#include <vector>

#include "cli/setup/plan.h"
#include "cli/setup/signals.h"
#include "cli/setup/undo_log.h"
#include "common/text.h"
#include "daemon/policy/config.h"
#include "daemon/policy/config_files.h"

namespace pamcognito::cli {
namespace {

struct OptionName {
  std::string_view key;
  std::string_view option;
  std::string SetUpOptions::* value;
};

constexpr std::array kOptionNames = {
    OptionName{"user_pool_id", "--pool", &SetUpOptions::user_pool_id},
    OptionName{"client_id", "--client", &SetUpOptions::client_id},
    OptionName{"region", "--region", &SetUpOptions::region},
    OptionName{"endpoint", "--endpoint", &SetUpOptions::endpoint},
    OptionName{"issuer", "--issuer", &SetUpOptions::issuer},
    OptionName{"jwks_uri", "--jwks-uri", &SetUpOptions::jwks_uri},
    OptionName{"ca_file", "--ca-file", &SetUpOptions::ca_file},
};

// systemd reads encrypted credentials from these (systemd.exec(5)).
constexpr std::array kSecrets = {"/etc/credstore.encrypted/cognitod.client_secret",
                                 "/run/credstore.encrypted/cognitod.client_secret",
                                 "/usr/lib/credstore.encrypted/cognitod.client_secret"};

void replace_all(std::string* text, std::string_view from, std::string_view to) {
  for (std::size_t at = text->find(from); at != std::string::npos;
       at = text->find(from, at + to.size()))
    text->replace(at, from.size(), to);
}

// The configuration as it will be: the files of this machine with the new 10-pool.conf, in a
// directory of root alone. load_config() reads files.
class Trial {
 public:
  static Result<Trial> make(const std::string& root, const SetUpOptions& options) {
    Trial trial(root);
    if (::mkdtemp(trial.directory_.data()) == nullptr)
      return failure(ExitCode::failed, "not-written",
                     trial.directory_ + " cannot be made: " + describe_errno(errno));
    trial.made_ = true;
    if (auto done = trial.fill(root, options); !done) return std::unexpected(done.error());
    return trial;
  }
  Trial(const Trial&) = delete;
  Trial& operator=(const Trial&) = delete;
  Trial(Trial&& other) noexcept
      : root_(std::move(other.root_)),
        directory_(std::move(other.directory_)),
        files_(std::move(other.files_)),
        made_(std::exchange(other.made_, false)) {}
  Trial& operator=(Trial&&) = delete;
  ~Trial() {
    if (!made_) return;
    for (const std::string& file : files_) (void)::unlink(file.c_str());
    (void)::rmdir((directory_ + kDropIns).c_str());
    (void)::rmdir(directory_.c_str());
  }

  [[nodiscard]] policy::ConfigResult load() const {
    auto config = policy::load_config(directory_ + kMain);
    if (!config) {
      // The names of the real files.
      std::string text = config.error();
      replace_all(&text, directory_, root_ + kFolder);
      return std::unexpected(std::move(text));
    }
    return config;
  }

  static constexpr char kFolder[] = "/etc/pam-cognito";

 private:
  static constexpr char kMain[] = "/cognitod.conf";
  static constexpr char kDropIns[] = "/cognitod.conf.d";

  explicit Trial(const std::string& root)
      : root_(root), directory_(root + "/run/pam-cognito-setup-XXXXXX") {}

  Result<void> write(const std::string& name, const std::string& text) {
    files_.push_back(directory_ + name);
    return replace_file(files_.back(), text, 0600, ::geteuid(), ::getegid());
  }

  Result<void> fill(const std::string& root, const SetUpOptions& options) {
    if (::mkdir((directory_ + kDropIns).c_str(), 0700) != 0)
      return failure(ExitCode::failed, "not-written",
                     directory_ + kDropIns + " cannot be made: " + describe_errno(errno));
    const std::string folder = root + kFolder;
    std::vector<policy::ConfigText> present;
    if (::access((folder + kMain).c_str(), F_OK) == 0) {
      auto files = policy::read_config_files(folder + kMain);
      if (!files) return failure(ExitCode::failed, "configuration", files.error());
      present = std::move(*files);
    } else {
      present.push_back({folder + kMain, {}});
    }
    for (const policy::ConfigText& file : present)
      if (file.path != root + kPoolFile)
        if (const auto done = write(file.path.substr(folder.size()), file.text); !done) return done;
    return write(std::string(kPoolFile).substr(std::string_view(kFolder).size()),
                 pool_file(options, -1));
  }

  std::string root_;
  std::string directory_;
  std::vector<std::string> files_;
  bool made_ = false;
};

// "--pool x is not …" for "/etc/…/10-pool.conf:5: user_pool_id of [pool] is not …".
Failure failure_of(const std::string& root, const SetUpOptions& options, const std::string& text) {
  const std::string file = root + kPoolFile + ":";
  if (!text.starts_with(file))
    return {ExitCode::failed, "configuration", text + ". Nothing was changed"};
  std::string_view rest = text;
  rest.remove_prefix(std::min(rest.size(), rest.find(": ") + 2));
  for (const OptionName& name : kOptionNames) {
    const std::string key = std::string(name.key) + " of [pool] ";
    if (!rest.starts_with(key)) continue;
    rest.remove_prefix(key.size());
    return {ExitCode::usage, "bad-value",
            std::string(name.option) + " " + printable(options.*name.value, 64) + " " +
                std::string(rest) + ". Nothing was changed"};
  }
  return {ExitCode::usage, "bad-value", std::string(rest) + ". Nothing was changed"};
}

}  // namespace

std::string with_option_names(std::string text) {
  for (const OptionName& name : kOptionNames)
    replace_all(&text, "`" + std::string(name.key) + "`", name.option);
  replace_all(&text, " of [pool]", "");
  replace_all(&text, "`proxy`", "`proxy` of [pool] in /etc/pam-cognito/cognitod.conf");
  return text;
}

Result<Findings> check_values(const std::string& root, const SetUpOptions& options) {
  // The files are gone before the pool is asked, which may take some time.
  const auto load = [&]() -> Result<policy::Config> {
    const HeldSignals signals;
    const auto trial = Trial::make(root, options);
    if (!trial) return std::unexpected(trial.error());
    auto config = trial->load();
    if (!config) return std::unexpected(failure_of(root, options, config.error()));
    return std::move(*config);
  };
  const auto config = load();
  if (!config) return std::unexpected(config.error());
  return check_pool(*config);
}

bool lacks_secret(const std::string& root, const Findings& findings) {
  const auto client = std::ranges::find(findings, "pool-client", &Finding::id);
  return client != findings.end() && client->what.contains("has a secret") &&
         std::ranges::none_of(kSecrets, [&](const char* path) {
           return ::access((root + path).c_str(), F_OK) == 0;
         });
}

}  // namespace pamcognito::cli
