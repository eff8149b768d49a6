#include "cli/arguments.h"

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "cli/commands/commands.h"

// The only file that includes CLI11, which takes long to compile.
namespace pamcognito::cli {
namespace {

constexpr char kDescription[] =
    "Shows and changes sign-ins with an Amazon Cognito user pool on this machine.";

constexpr char kFooter[] =
    "With --json each command prints one object; of a command that failed it is\n"
    "{\"error\": {\"code\": \"…\", \"message\": \"…\"}}.\n"
    "\n"
    "Exit status:\n"
    "  0  done\n"
    "  1  refused, or failed: the text says why\n"
    "  2  the command line is wrong\n"
    "  3  cognitod, or the system bus, does not answer\n"
    "  4  you are not signed in here: sign in first\n"
    "  5  doctor found at least one fault\n"
    "  6  there is no such session, user or log line";

// Options live as long as the parsed command: they are what its function is called with.
struct Options {
  bool refresh = false;
  bool full = false;
  std::string user;
  std::string service = "sshd";
  std::string id;
  std::string factor;
  std::string sub;
  std::string section;
  std::string key;
  TotpSetUp totp;
  ExplainOptions explain;
  BreakGlassOptions break_glass;
  SetUpOptions set_up;
};

class Parser {
 public:
  Parser() : app_(kDescription, "cognitoctl"), options_(std::make_shared<Options>()) {
    app_.set_version_flag("--version", "cognitoctl " PAM_COGNITO_VERSION);
    app_.require_subcommand(1);
    app_.fallthrough();
    app_.get_formatter()->column_width(32);
    app_.add_flag("--json", arguments_.json, "print one JSON object");
    app_.add_option("--color", arguments_.colour, "auto, always or never")
        ->option_text("WHEN")
        ->transform(CLI::CheckedTransformer(std::map<std::string, Colour>{
            {"auto", Colour::automatic}, {"always", Colour::always}, {"never", Colour::never}}))
        ->default_str("auto");
    app_.add_option("--root", arguments_.root)->group("");
    add_status();
    add_login_test();
    add_mfa();
    add_sessions();
    add_sign_out();
    add_explain();
    add_policy();
    add_identity();
    add_config();
    add_break_glass();
    add_doctor();
    add_set_up();
    app_.footer(kFooter);  // last, or each subcommand would inherit it
  }

  std::expected<Arguments, ExitCode> parse(int argc, char** argv) {
    try {
      app_.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
      return std::unexpected(app_.exit(error) == 0 ? ExitCode::ok : ExitCode::usage);
    }
    return std::move(arguments_);
  }

 private:
  // `command` is called with the options when this subcommand was chosen.
  template <class Command>
  void run(CLI::App* subcommand, Command command) {
    subcommand->callback([this, command] {
      arguments_.command = [options = options_, command](const Context& context) {
        return command(context, *options);
      };
    });
  }

  static CLI::App* group_of(CLI::App& app, const std::string& name, const std::string& text) {
    CLI::App* group = app.add_subcommand(name, text);
    group->require_subcommand(1);
    group->fallthrough();
    return group;
  }

  void add_status() {
    CLI::App* status = app_.add_subcommand("status", "how cognitod is");
    run(status, [](const Context& context, const Options&) { return show_status(context); });
  }

  void add_login_test() {
    CLI::App* test = app_.add_subcommand(
        "login-test", "sign in as USER without PAM, and show each step; no session is kept");
    test->add_option("user", options_->user, "the Linux user")->required()->option_text("USER");
    test->add_option("--service", options_->service, "the PAM service; default: sshd")
        ->option_text("SERVICE");
    run(test, [](const Context& context, const Options& options) {
      return test_login(context, options.user, options.service);
    });
  }

  void add_mfa() {
    CLI::App* mfa = group_of(app_, "mfa", "your own second factors");
    CLI::App* show = mfa->add_subcommand("show", "which there are, and which is preferred");
    show->add_flag("--refresh", options_->refresh, "ask the user pool, not the cache");
    run(show, [](const Context& context, const Options& options) {
      return show_mfa(context, options.refresh);
    });

    CLI::App* set_up = mfa->add_subcommand("setup", "set up an authenticator app (TOTP)");
    set_up->add_flag("--plain", options_->totp.plain, "show the otpauth URI, without QR code");
    set_up->add_option("--device-name", options_->totp.device_name, "its name in the user pool")
        ->option_text("NAME");
    run(set_up, [](const Context& context, const Options& options) {
      return cli::set_up_totp(context, options.totp);
    });

    CLI::App* prefer = mfa->add_subcommand("prefer", "choose the factor that is asked for");
    add_factor(prefer, {"totp", "sms", "email", "none"});
    run(prefer, [](const Context& context, const Options& options) {
      return prefer_mfa(context, options.factor);
    });

    CLI::App* disable = mfa->add_subcommand("disable", "stop using a factor");
    add_factor(disable, {"totp", "sms", "email"});
    run(disable, [](const Context& context, const Options& options) {
      return disable_mfa(context, options.factor);
    });
  }

  void add_factor(CLI::App* command, const std::vector<std::string>& factors) {
    std::string text;
    for (const std::string& factor : factors) text += (text.empty() ? "" : "|") + factor;
    command->add_option("factor", options_->factor)
        ->required()
        ->option_text(text)
        ->check(CLI::IsMember(factors));
  }

  void add_full(CLI::App* command) {
    command->add_flag("--full", options_->full, "cut nothing, however wide the table is");
  }

  void add_sessions() {
    CLI::App* sessions = group_of(app_, "sessions", "who is signed in");
    CLI::App* list = sessions->add_subcommand("list", "your sessions; as root everybody's");
    list->add_option("--user", options_->user, "only this user's")->option_text("USER");
    add_full(list);
    run(list, [](const Context& context, const Options& options) {
      return list_sessions(context, options.user, options.full);
    });
    CLI::App* end = sessions->add_subcommand("end", "end one session and revoke its tokens");
    end->add_option("id", options_->id, "as `sessions list` shows it, or its first digits")
        ->required()
        ->option_text("ID");
    run(end, [](const Context& context, const Options& options) {
      return end_session(context, options.id);
    });
  }

  void add_sign_out() {
    CLI::App* out = app_.add_subcommand("sign-out", "end all sessions of a user; default: yours");
    out->add_option("user", options_->user)->option_text("[USER]");
    run(out, [](const Context& context, const Options& options) {
      return sign_out(context, options.user);
    });
  }

  void add_explain() {
    CLI::App* tell = app_.add_subcommand(
        "explain", "tell one sign-in by its id, from the journal; no secret is in it");
    tell->add_option("id", options_->explain.id, "16 hexadecimal digits: id=… of a log line")
        ->required()
        ->option_text("ID");
    tell->add_option("--file", options_->explain.file, "a journal file instead of this machine's")
        ->option_text("FILE");
    run(tell, [](const Context& context, const Options& options) {
      return explain(context, options.explain);
    });
  }

  void add_policy() {
    CLI::App* policy = group_of(app_, "policy", "what the configuration permits");
    CLI::App* test = policy->add_subcommand("test", "what policy says of a user at a service");
    test->add_option("user", options_->user)->required()->option_text("USER");
    test->add_option("service", options_->service)->required()->option_text("SERVICE");
    run(test, [](const Context& context, const Options& options) {
      return test_policy(context, options.user, options.service);
    });
  }

  void add_identity() {
    CLI::App* identity =
        group_of(app_, "identity", "which account of the pool a Linux user is (root)");
    CLI::App* list = identity->add_subcommand("list", "all that are pinned");
    add_full(list);
    run(list, [](const Context& context, const Options& options) {
      return list_identities(context, options.full);
    });
    CLI::App* pin = identity->add_subcommand("pin", "bind USER to the account SUB");
    pin->add_option("user", options_->user)->required()->option_text("USER");
    pin->add_option("sub", options_->sub, "the account's `sub` in the user pool")
        ->required()
        ->option_text("SUB");
    run(pin, [](const Context& context, const Options& options) {
      return pin_identity(context, options.user, options.sub);
    });
    CLI::App* reset = identity->add_subcommand("reset", "forget which account USER is");
    reset->add_option("user", options_->user)->required()->option_text("USER");
    run(reset, [](const Context& context, const Options& options) {
      return reset_identity(context, options.user);
    });
  }

  void add_config() {
    CLI::App* config = group_of(app_, "config", "check and show the configuration");
    run(config->add_subcommand("check", "check users.conf and cognitod.conf with its drop-ins"),
        [](const Context& context, const Options&) { return check_configuration(context); });
    run(config->add_subcommand("show", "print each setting of cognitod.conf, and where it is set"),
        [](const Context& context, const Options&) { return show_configuration(context); });
    CLI::App* get = config->add_subcommand("get", "print one setting of cognitod.conf");
    get->add_option("section", options_->section, "such as mfa or \"service sshd\"")
        ->required()
        ->option_text("SECTION");
    get->add_option("key", options_->key)->required()->option_text("KEY");
    run(get, [](const Context& context, const Options& options) {
      return get_setting(context, options.section, options.key);
    });
  }

  void add_break_glass() {
    CLI::App* group =
        group_of(app_, "break-glass", "whether local passwords are accepted in an emergency");
    CLI::App* open = group->add_subcommand("open", "accept local passwords for a time (root)");
    BreakGlassOptions& options = options_->break_glass;
    open->add_option("--for", options.length, "1min to 24h")->required()->option_text("TIME");
    open->add_option("--user", options.users, "for this user; may be repeated")
        ->option_text("USER");
    open->add_flag("--all", options.all, "for all Cognito users");
    run(open, [](const Context& context, const Options& all) {
      return open_break_glass(context, all.break_glass);
    });
    run(group->add_subcommand("close", "stop accepting them (root)"),
        [](const Context& context, const Options&) { return close_break_glass(context); });
    run(group->add_subcommand("status", "the policy, and whether a window is open"),
        [](const Context& context, const Options&) { return show_break_glass(context); });
  }

  void add_doctor() {
    run(app_.add_subcommand("doctor", "check this machine; each fault comes with its remedy"),
        [](const Context& context, const Options&) { return run_doctor(context); });
  }

  void add_set_up() {
    CLI::App* command = app_.add_subcommand(
        "setup", "connect a user pool: asks, checks, and writes the configuration (root)");
    SetUpOptions& options = options_->set_up;
    const auto add = [&](const char* name, std::string& value, const char* text,
                         const char* placeholder) {
      command->add_option(name, value, text)->option_text(placeholder);
    };
    add("--region", options.region, "such as eu-west-1", "REGION");
    add("--pool", options.user_pool_id, "the user pool's id", "ID");
    add("--client", options.client_id, "the app client's id", "ID");
    add("--allow-groups", options.allow_groups, "Cognito groups whose members may sign in",
        "GROUPS");
    add("--endpoint", options.endpoint, "a pool elsewhere than at AWS: its URL", "URL");
    add("--issuer", options.issuer, "… what its tokens carry as `iss`", "URL");
    add("--jwks-uri", options.jwks_uri, "… where its keys are", "URL");
    add("--ca-file", options.ca_file, "… the certificates that its own must lead to", "FILE");
    command->add_flag("--unchecked", options.unchecked, "write it even if the pool says no");
    run(command, [](const Context& context, const Options& all) {
      return cli::set_up(context, all.set_up);
    });
  }

  CLI::App app_;
  Arguments arguments_;
  std::shared_ptr<Options> options_;
};

}  // namespace

std::expected<Arguments, ExitCode> parse_arguments(int argc, char** argv) {
  return Parser().parse(argc, argv);
}

}  // namespace pamcognito::cli
