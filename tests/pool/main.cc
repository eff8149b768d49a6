// cognito-pool: a local Cognito user pool for the demo, the tests and the benchmarks. See
// README.md.
#include <getopt.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <exception>
#include <expected>
#include <filesystem>
#include <string>
#include <system_error>
#include <utility>

#include "tests/pool/admin.h"
#include "tests/pool/files.h"
#include "tests/pool/json_reader.h"
#include "tests/pool/server.h"

namespace pamcognito::pool {
namespace {

constexpr int kExitUsage = 2;

struct Options {
  std::string state;
  std::string seed;
  std::string address = "127.0.0.1";
  int port = 0;
  std::string certificate;
  std::string key;
  std::string authority;
  std::string issuer;
  std::string priorities;
  bool verbose = false;
};

constexpr char kUsage[] =
    "usage: cognito-pool --state DIR [--seed FILE] [--port N] [--address ADDRESS]\n"
    "                    [--cert FILE --key FILE --ca FILE] [--issuer URL] "
    "[--tls-priorities STRING] [--verbose]\n";

std::expected<Options, std::string> parse_options(int argc, char** argv) {
  static const option kLong[] = {{"state", required_argument, nullptr, 's'},
                                 {"seed", required_argument, nullptr, 'f'},
                                 {"port", required_argument, nullptr, 'p'},
                                 {"address", required_argument, nullptr, 'a'},
                                 {"cert", required_argument, nullptr, 'c'},
                                 {"key", required_argument, nullptr, 'k'},
                                 {"ca", required_argument, nullptr, 'r'},
                                 {"issuer", required_argument, nullptr, 'i'},
                                 {"tls-priorities", required_argument, nullptr, 't'},
                                 {"verbose", no_argument, nullptr, 'v'},
                                 {nullptr, 0, nullptr, 0}};
  Options options;
  for (int letter = 0; (letter = getopt_long(argc, argv, "", kLong, nullptr)) != -1;) {
    const std::string value = optarg != nullptr ? optarg : "";
    switch (letter) {
      case 's':
        options.state = value;
        break;
      case 'f':
        options.seed = value;
        break;
      case 'a':
        options.address = value;
        break;
      case 'c':
        options.certificate = value;
        break;
      case 'k':
        options.key = value;
        break;
      case 'r':
        options.authority = value;
        break;
      case 'i':
        options.issuer = value;
        break;
      case 't':
        options.priorities = value;
        break;
      case 'v':
        options.verbose = true;
        break;
      case 'p': {
        const char* end = value.data() + value.size();
        const auto read = std::from_chars(value.data(), end, options.port);
        if (read.ec != std::errc{} || read.ptr != end || options.port < 0 || options.port > 65535) {
          return std::unexpected("--port: \"" + value + "\" is no port");
        }
        break;
      }
      default:
        return std::unexpected(std::string("bad option\n") + kUsage);
    }
  }
  if (optind != argc || options.state.empty()) return std::unexpected(kUsage);
  const bool any_given = !options.certificate.empty() || !options.key.empty();
  if (any_given &&
      (options.certificate.empty() || options.key.empty() || options.authority.empty())) {
    return std::unexpected("--cert, --key and --ca belong together");
  }
  return options;
}

std::expected<TlsFiles, std::string> find_certificates(const Options& options) {
  if (options.certificate.empty()) return load_or_make_certificates(options.state);
  const auto certificate = read_file(options.certificate);
  const auto key = read_file(options.key);
  if (!certificate || !key) return std::unexpected("--cert or --key: cannot be read");
  return TlsFiles{*certificate, *key};
}

std::expected<Json::Value, std::string> read_seed(const std::string& path) {
  if (path.empty()) return Json::Value(Json::objectValue);
  const auto text = read_file(path);
  if (!text) return std::unexpected(path + ": " + std::strerror(errno));
  const auto seed = parse_json(*text);
  if (!seed) return std::unexpected(path + ": not JSON");
  return *seed;
}

std::string bracketed(const std::string& address) {
  return address.find(':') != std::string::npos ? "[" + address + "]" : address;
}

Json::Value description(const Pool& pool, const Options& options, int port) {
  const std::string endpoint =
      "https://" + bracketed(options.address) + ":" + std::to_string(port) + "/";
  Json::Value out;
  out["endpoint"] = endpoint;
  out["region"] = pool.settings.region();
  out["user_pool_id"] = pool.settings.id;
  out["client_id"] = pool.clients.front().id;
  out["issuer"] = options.issuer.empty() ? endpoint + pool.settings.id : options.issuer;
  out["jwks_uri"] = endpoint + pool.settings.id + "/.well-known/jwks.json";
  out["ca_file"] = options.authority.empty() ? options.state + "/ca.pem" : options.authority;
  out["admin"] = endpoint.substr(0, endpoint.size() - 1) + kAdminPath;
  out["port"] = port;
  out["pid"] = getpid();
  return out;
}

int fail(const std::string& why) {
  std::fprintf(stderr, "cognito-pool: %s\n", why.c_str());
  return kExitUsage;
}

int run(int argc, char** argv) {
  auto options = parse_options(argc, argv);
  if (!options) return fail(options.error());

  // Before any thread starts, so that all of them leave these signals to sigwait below.
  sigset_t ending;
  sigemptyset(&ending);
  sigaddset(&ending, SIGTERM);
  sigaddset(&ending, SIGINT);
  pthread_sigmask(SIG_BLOCK, &ending, nullptr);
  std::signal(SIGPIPE, SIG_IGN);

  std::error_code failed;
  std::filesystem::create_directories(options->state, failed);
  if (failed) return fail(options->state + ": " + failed.message());
  options->state = std::filesystem::absolute(options->state).lexically_normal().string();
  const std::string ready = options->state + "/ready.json";
  (void)::unlink(ready.c_str());

  const auto seed = read_seed(options->seed);
  if (!seed) return fail(seed.error());
  const auto certificates = find_certificates(*options);
  if (!certificates) return fail(certificates.error());
  auto tokens = TokenIssuer::open(options->state);
  if (!tokens) return fail(tokens.error());
  Pool pool(std::move(*tokens));
  if (const auto loaded = pool.load(*seed); !loaded) return fail(loaded.error());

  auto listener = listen_on(options->address, options->port);
  if (!listener) return fail(listener.error());
  const Json::Value described = description(pool, *options, listener->port);
  pool.tokens.set_issuer(string_at(described, "issuer"));
  const auto server = Server::start(pool, std::move(*listener), *certificates, options->priorities);
  if (server == nullptr) return fail("the HTTPS server cannot start");
  if (const auto written = write_file(ready, to_text(described) + "\n", 0644); !written) {
    return fail(written.error());
  }
  if (options->verbose) std::fprintf(stderr, "%s\n", to_text(described).c_str());

  int signal = 0;
  sigwait(&ending, &signal);
  (void)::unlink(ready.c_str());
  return 0;
}

}  // namespace
}  // namespace pamcognito::pool

int main(int argc, char** argv) {
  try {
    return pamcognito::pool::run(argc, argv);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "cognito-pool: %s\n", error.what());
    return 1;
  }
}
