#include "daemon/daemon.h"

#include <sys/resource.h>
#include <sysexits.h>
#include <systemd/sd-daemon.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <expected>
#include <utility>

#include "common/text.h"
#include "daemon/cognito/cognito_user_pool.h"
#include "daemon/prompts/catalogue.h"
#include "daemon/runtime/journal.h"
#include "daemon/runtime/metrics.h"
#include "daemon/sessions/descriptor_store.h"

namespace pamcognito {
namespace {

using runtime::Level;

constexpr char kStoreName[] = "sessions";
constexpr char kKnownUsersFile[] = "known-users.db";
constexpr char kAddressesFile[] = "pool-addresses";
constexpr std::chrono::seconds kTimeToStop{3};
constexpr std::chrono::milliseconds kBusyBusPause{500};

// How many sign-ins may be open at once: each has a socket and may need a connection to the pool,
// and a connection that fails because there is no descriptor would look like a pool that cannot be
// reached.
std::size_t sign_ins_that_fit() {
  constexpr rlim_t for_the_rest = 128;
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return 0;
  limit.rlim_cur = std::min(limit.rlim_max, rlim_t{16384});
  (void)::setrlimit(RLIMIT_NOFILE, &limit);
  return limit.rlim_cur <= for_the_rest ? 0 : (limit.rlim_cur - for_the_rest) / 2;
}

// In the unit the session store can be locked, so there it must be. Elsewhere a warning will do.
bool store_must_be_locked() {
  constexpr rlim_t whole_store =
      (sessions::SessionStore::kSlots + 16) * rlim_t{sessions::SessionStore::kSlotSize};
  rlimit limit{};
  const char* notify = std::getenv("NOTIFY_SOCKET");  // NOLINT(concurrency-mt-unsafe): one thread
  return notify != nullptr && ::getrlimit(RLIMIT_MEMLOCK, &limit) == 0 &&
         limit.rlim_cur >= whole_store;
}

// There is no bus, or it does not give this process the name: only root can bring that about.
bool is_final(int error) {
  constexpr std::array errors = {ENOENT, ECONNREFUSED, EACCES, EPERM};
  return std::ranges::find(errors, error) != errors.end();
}

// STATUS= is one line.
std::string on_one_line(std::string text) {
  std::ranges::replace(text, '\n', ' ');
  return text;
}

}  // namespace

Daemon::Daemon(std::string config_path, std::string state_directory)
    : config_path_(std::move(config_path)),
      state_directory_(std::move(state_directory)),
      signals_(loop_, {SIGTERM, SIGINT, SIGHUP},
               [this](int signal) { signal == SIGHUP ? reload() : stop(); }),
      clock_(loop_),
      worker_(loop_, 256),
      disk_(loop_, 256),
      known_(loop_, disk_, state_directory_ + "/" + kKnownUsersFile) {}

bool Daemon::open_store() {
  auto store = sessions::SessionStore::open(sessions::take_kept_descriptor(kStoreName),
                                            store_must_be_locked());
  if (!store) {
    runtime::log(Level::error, "cannot keep sessions: " + store.error());
    return false;
  }
  store_ = std::move(*store);
  sessions_survive_ = sessions::keep_descriptor(kStoreName, store_->fd());
  return true;
}

int Daemon::run() {
  if (!open_store()) return 1;
  service_.emplace(bus::Dependencies{.loop = loop_,
                                     .clock = clock_,
                                     .worker = worker_,
                                     .store = *store_,
                                     .known = known_,
                                     .max_sign_ins = sign_ins_that_fit(),
                                     .sessions_survive = sessions_survive_,
                                     .state_directory = state_directory_});
  auto loaded = load(Language::wanted);
  if (loaded)
    put_in_force(std::move(*loaded));
  else
    runtime::log(Level::error, "idle, Cognito sign-in is off: " + loaded.error());

  serve();
  return loop_.run();
}

// A start that systemd reports as failed makes local passwords count. Any user can crowd the bus or
// delay it, so a busy bus must not make the start fail.
void Daemon::serve() {
  const int result = service_->start();
  if (result < 0 && !is_final(-result)) {
    if (!serve_retry_)
      runtime::log(Level::warning, "the system bus is busy: " + describe_errno(-result));
    serve_retry_.emplace(loop_, loop_.now() + kBusyBusPause, [this] { serve(); });
    return;
  }
  if (result < 0) {
    runtime::log(Level::error, "cannot serve on the system bus: " + describe_errno(-result));
    loop_.exit(EX_CONFIG);
    return;
  }
  serve_retry_.reset();
  runtime::log(Level::notice, status());
  (void)sd_event_set_watchdog(loop_.get(), 1);
  (void)sd_notify(0, ("READY=1\nSTATUS=" + status()).c_str());
}

std::string Daemon::status() const {
  if (!in_force_.config) return "ready, not configured: Cognito sign-in is off";
  return "ready, user pool " + in_force_.config->pool.user_pool_id;
}

std::expected<Daemon::Loaded, std::string> Daemon::load(Language language) {
  policy::ConfigResult config = policy::load_config(config_path_);
  if (!config) return std::unexpected(config.error());
  Loaded loaded;
  // Sign-ins and sessions go on with the pool that is there, and its connections stay open.
  if (in_force_.config && in_force_.config->pool == config->pool) {
    loaded.pool = in_force_.pool;
  } else {
    const cognito::PoolMemory memory(disk_, state_directory_ + "/" + kAddressesFile);
    auto pool = cognito::make_user_pool(loop_, clock_, config->pool, &memory);
    if (!pool) return std::unexpected(pool.error());
    loaded.pool = std::move(*pool);
  }
  // Last, because it changes what people read at once. At the start a catalogue that is gone must
  // not stop sign-ins: without cognitod a local password is enough.
  const auto used = prompts::use_language(prompts::kLocaleDirectory, config->texts.language);
  if (!used && language == Language::needed) return std::unexpected(used.error());
  if (!used) runtime::log(Level::error, "texts are in English: " + used.error());
  prompts::use_help(config->texts.help);
  for (const std::string& warning : config->warnings) runtime::log(Level::warning, warning);
  for (const std::string& name : config->old_names) runtime::log(Level::warning, name);
  loaded.config = std::make_shared<const policy::Config>(std::move(*config));
  return loaded;
}

void Daemon::put_in_force(Loaded loaded) {
  const std::string before = in_force_.config ? in_force_.config->metrics.textfile : std::string();
  in_force_ = std::move(loaded);
  const std::string& pool_id = in_force_.config->pool.user_pool_id;
  if (pool_id != known_pool_ || !known_.is_readable()) {
    const auto known = known_.load(pool_id);
    if (!known) runtime::log(Level::error, "nobody can sign in: " + known.error());
    known_pool_ = pool_id;
  }
  if (!known_.all().empty()) in_force_.pool->note_earlier_contact();
  service_->configure(in_force_.config, in_force_.pool);
  const std::string& textfile = in_force_.config->metrics.textfile;
  if (textfile == before) return;
  metrics_file_.reset();
  if (!textfile.empty()) metrics_file_.emplace(loop_, disk_, runtime::metrics(), textfile);
}

// The whole new configuration, or the one before it.
void Daemon::reload() {
  if (serve_retry_) return;  // to say READY=1 now would be wrong, and systemd does not ask yet
  const auto now =
      std::chrono::duration_cast<std::chrono::microseconds>(loop_.now().time_since_epoch());
  (void)sd_notify(0, ("RELOADING=1\nMONOTONIC_USEC=" + std::to_string(now.count())).c_str());
  auto loaded = load(Language::needed);
  std::string said;
  if (loaded) {
    put_in_force(std::move(*loaded));
    said = status();
    runtime::log(Level::notice, "reloaded: " + said);
  } else {
    const std::string stays = in_force_.config ? "the configuration in force stays: "
                                               : "still not configured, Cognito sign-in is off: ";
    runtime::log(Level::error, "not reloaded, " + stays + loaded.error());
    said = "not reloaded, " + stays + loaded.error();
  }
  (void)sd_notify(0, ("READY=1\nSTATUS=" + on_one_line(std::move(said))).c_str());
}

// To this process `systemctl restart` and `systemctl stop` look alike. So what the descriptor store
// keeps for the next daemon is not revoked; systemd drops it at a stop, and the tokens expire.
void Daemon::stop() {
  if (give_up_) return;
  serve_retry_.reset();
  (void)sd_notify(0, "STOPPING=1");
  give_up_.emplace(loop_, loop_.now() + kTimeToStop, [this] { loop_.exit(0); });
  service_->stop([this] { known_.flush([this] { loop_.exit(0); }); });
}

}  // namespace pamcognito
