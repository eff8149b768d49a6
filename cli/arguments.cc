#include "cli/arguments.h"

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdio>
#include <map>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "cli/commands/commands.h"
#include "common/text.h"

// The only file that includes CLI11, which takes long to compile.
namespace pamcognito::cli {
namespace {

constexpr char kDescription[] =
    "Shows and changes sign-ins with an Amazon Cognito user pool on this machine.";

constexpr char kFooter[] =
    "With --json each command prints one object on one line. If the command fails, it is\n"
    "{\"error\":{\"code\":\"…\",\"message\":\"…\"}}.\n"
    "\n"
    "Exit status:\n"
    "  0  done\n"
    "  1  failed: the message has the reason\n"
    "  2  the command line is wrong\n"
    "  3  cognitod, or the system bus, does not answer\n"
    "  4  you are not signed in here: sign in first\n"
    "  5  doctor found at least one fault\n"
    "  6  there is no such session, user or log line\n"
    "  7  the sign-in or the change was refused\n"
    "  8  you are not permitted to do this";

// The help lists these commands first. Administrators use the other ones.
constexpr std::array<std::string_view, 3> kForUsers = {"mfa", "sessions", "sign-out"};

// The command line for a message, if it can be typed again as it is; else the program's name.
std::string command_line_of(int argc, char** argv) {
  constexpr std::size_t kLongest = 200;
  constexpr std::string_view kPlain =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_=./:@,";
  std::string line = "cognitoctl";
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i];
    if (argument.empty() || argument.find_first_not_of(kPlain) != std::string_view::npos ||
        line.size() + argument.size() > kLongest)
      return "cognitoctl";
    line += " " + std::string(argument);
  }
  return line;
}

// The number of insertions, deletions and replacements that make `to` of `from`, in ASCII without
// regard to case. Both are command names or arguments, cut by the caller.
std::size_t edit_distance(std::string_view from, std::string_view to) {
  std::vector<std::size_t> row;
  for (std::size_t i = 0; i <= to.size(); ++i) row.push_back(i);
  for (std::size_t i = 0; i < from.size(); ++i) {
    std::size_t diagonal = std::exchange(row[0], i + 1);
    for (std::size_t j = 0; j < to.size(); ++j) {
      const std::size_t replaced =
          diagonal +
          (CLI::detail::to_lower(std::string(1, from[i])) == std::string(1, to[j]) ? 0 : 1);
      diagonal = std::exchange(row[j + 1], std::min({row[j] + 1, row[j + 1] + 1, replaced}));
    }
  }
  return row.back();
}

// Options live as long as the parsed command: they are what its function is called with.
struct Options {
  bool refresh = false;
  bool full = false;
  std::string user;
  std::string service = "sshd";
  std::string id;
  std::string factor;
  std::string sub;
  bool confirmed = false;
  LogOptions log;
  DoctorOptions doctor;
  std::string section;
  std::string key;
  TotpSetUp totp;
  ExplainOptions explain;
  BreakGlassOptions break_glass;
  SetUpOptions set_up;
  UserOptions users;
  ImageOptions image;
  std::string from;
  std::string to;
  std::string file;
};

class Parser {
 public:
  Parser() : app_(kDescription, "cognitoctl"), options_(std::make_shared<Options>()) {
    app_.set_help_flag("-h,--help", "Show this help, or a command's");
    app_.set_version_flag("--version", "cognitoctl " PAM_COGNITO_VERSION, "Show the version");
    app_.require_subcommand(1);
    app_.fallthrough();
    app_.get_formatter()->column_width(32);
    app_.add_flag("--json", json_, "Print one JSON object; --json=pretty indents it");
    app_.add_option("--color", arguments_.colour, "Use colors: auto, always or never")
        ->option_text("WHEN")
        ->transform(CLI::CheckedTransformer(std::map<std::string, Colour>{
            {"auto", Colour::automatic}, {"always", Colour::always}, {"never", Colour::never}}))
        ->default_str("auto");
    app_.add_option("--root", arguments_.root, "Use the files below DIR: an image or a chroot")
        ->option_text("DIR");
    add_mfa();
    add_sessions();
    add_sign_out();
    add_set_up();
    add_doctor();
    add_status();
    add_log();
    add_explain();
    add_login_test();
    add_policy();
    add_identity();
    add_config();
    add_break_glass();
    add_users();
    add_directory();
    add_image();
    for (CLI::App* command : app_.get_subcommands([](CLI::App*) { return true; }))
      command->group(std::ranges::find(kForUsers, command->get_name()) == kForUsers.end()
                         ? "For administrators"
                         : "For you");
    app_.footer(kFooter);  // last, or each subcommand would inherit it
  }

  std::expected<Arguments, ExitCode> parse(int argc, char** argv) {
    try {
      app_.parse(argc, argv);
    } catch (const CLI::Success& shown) {  // help or version
      (void)app_.exit(shown);
      return std::unexpected(ExitCode::ok);
    } catch (const CLI::ParseError& error) {
      report(error, {argv + std::min(argc, 1), argv + argc});
      return std::unexpected(ExitCode::usage);
    }
    // "true" is CLI11's value of a flag without one.
    if (!json_.empty() && json_ != "true" && json_ != "pretty") {
      (void)std::fprintf(stderr, "cognitoctl: --json has no form but pretty\n");
      return std::unexpected(ExitCode::usage);
    }
    arguments_.json = !json_.empty();
    arguments_.json_pretty = json_ == "pretty";
    arguments_.command_line = command_line_of(argc, argv);
    return std::move(arguments_);
  }

 private:
  // The commands of `app`, in the order of the help.
  static std::vector<std::string> commands_of(const CLI::App& app) {
    std::vector<std::string> names;
    for (const CLI::App* one : app.get_subcommands([](const CLI::App*) { return true; }))
      names.push_back(one->get_name());
    return names;
  }

  // Explains on standard error what is wrong with the command line. CLI11 reports an unknown
  // command as a missing one.
  void report(const CLI::ParseError& error, const std::vector<std::string>& arguments) {
    const CLI::App* app = &app_;
    std::string path = "cognitoctl";
    for (std::size_t i = 0; i < arguments.size() && !commands_of(*app).empty(); ++i) {
      const std::string& argument = arguments[i];
      if (argument == "--color" || argument == "--root") ++i;  // its value
      if (argument.starts_with('-')) continue;
      const std::vector<const CLI::App*> found =
          app->get_subcommands([&](const CLI::App* one) { return one->get_name() == argument; });
      if (found.empty()) return report_unknown(*app, path, argument);
      app = found.front();
      path += " " + argument;
    }
    const std::vector<std::string> commands = commands_of(*app);
    if (commands.empty()) {
      (void)std::fprintf(stderr, "%s: %s\nHelp: %s --help\n", path.c_str(),
                         printable(error.what(), kMostShown).c_str(), path.c_str());
      return;
    }
    std::string list;
    for (const std::string& command : commands) list += (list.empty() ? "" : ", ") + command;
    (void)std::fprintf(stderr, "Usage: %s COMMAND\nCommands: %s\nHelp: %s --help\n", path.c_str(),
                       list.c_str(), path.c_str());
  }

  static void report_unknown(const CLI::App& app, const std::string& path,
                             const std::string& argument) {
    constexpr std::size_t kNear = 3;  // edits; "dance" is 3 from "doctor"'s beginning, "satus" 1
    const std::string shown = printable(argument, kMostShown);
    std::string nearest;
    std::size_t least = kNear;
    for (const std::string& command : commands_of(app))
      if (const std::size_t distance = edit_distance(shown, command);
          distance < std::min(command.size(), least)) {
        least = distance;
        nearest = command;
      }
    (void)std::fprintf(
        stderr, "%s: unknown command '%s'.%s\nHelp: %s --help\n", path.c_str(), shown.c_str(),
        nearest.empty() ? "" : (" Did you mean '" + nearest + "'?").c_str(), path.c_str());
  }

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
    CLI::App* status = app_.add_subcommand("status", "Show the state of cognitod");
    run(status, [](const Context& context, const Options&) { return show_status(context); });
  }

  void add_login_test() {
    CLI::App* test =
        app_.add_subcommand("login-test", "Sign in as a user without PAM, and show each step");
    test->add_option("user", options_->user, "The Linux user")->required()->option_text("USER");
    test->add_option("--service", options_->service, "The PAM service; default: sshd")
        ->option_text("SERVICE");
    run(test, [](const Context& context, const Options& options) {
      return test_login(context, options.user, options.service);
    });
  }

  void add_mfa() {
    CLI::App* mfa = group_of(app_, "mfa", "Show and change your second factors");
    CLI::App* show = mfa->add_subcommand("show", "Show your factors, and which is preferred");
    show->add_flag("--refresh", options_->refresh, "Ask the user pool, not the cache");
    run(show, [](const Context& context, const Options& options) {
      return show_mfa(context, options.refresh);
    });

    CLI::App* set_up = mfa->add_subcommand("setup", "Set up an authenticator app (TOTP)");
    set_up->add_flag("--plain", options_->totp.plain, "Show the otpauth URI, without QR code");
    set_up->add_option("--device-name", options_->totp.device_name, "Its name in the user pool")
        ->option_text("NAME");
    run(set_up, [](const Context& context, const Options& options) {
      return cli::set_up_totp(context, options.totp);
    });

    CLI::App* prefer = mfa->add_subcommand("prefer", "Choose the factor that Cognito asks for");
    add_factor(prefer, {"totp", "sms", "email", "none"});
    run(prefer, [](const Context& context, const Options& options) {
      return prefer_mfa(context, options.factor);
    });

    CLI::App* disable = mfa->add_subcommand("disable", "Stop using a factor");
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
    command->add_flag("--full", options_->full, "Cut nothing, however wide the table is");
  }

  void add_sessions() {
    CLI::App* sessions = group_of(app_, "sessions", "Show and end sessions");
    CLI::App* list = sessions->add_subcommand("list", "List your sessions; as root all users'");
    list->add_option("--user", options_->user, "Only this user's")->option_text("USER");
    add_full(list);
    run(list, [](const Context& context, const Options& options) {
      return list_sessions(context, options.user, options.full);
    });
    CLI::App* end = sessions->add_subcommand("end", "End one session and revoke its tokens");
    end->add_option("id", options_->id, "As `sessions list` shows it, or its first digits")
        ->required()
        ->option_text("ID");
    run(end, [](const Context& context, const Options& options) {
      return end_session(context, options.id);
    });
  }

  void add_sign_out() {
    CLI::App* out =
        app_.add_subcommand("sign-out", "End all your sessions; as root another user's");
    out->add_flag("--yes", options_->confirmed, "Do not ask for confirmation");
    out->add_option("user", options_->user)->option_text("[USER]");
    run(out, [](const Context& context, const Options& options) {
      return sign_out(context, options.user, options.confirmed);
    });
  }

  void add_log() {
    CLI::App* log = app_.add_subcommand("log", "List recent sign-ins");
    LogOptions& options = options_->log;
    log->add_option("--user", options.user, "Only this user's")->option_text("USER");
    log->add_flag("--failed", options.failed, "Only those that did not succeed");
    log->add_option("--number,-n", options.count, "At most so many; default: 10")
        ->option_text("NUMBER");
    log->add_option("--since", options.since, "Not older than this, such as 2h or 3d")
        ->option_text("TIME");
    log->add_option("--file", options.file, "A journal file instead of this machine's")
        ->option_text("FILE");
    run(log,
        [](const Context& context, const Options& all) { return list_sign_ins(context, all.log); });
  }

  void add_explain() {
    CLI::App* tell = app_.add_subcommand("explain", "Explain one sign-in, from the journal");
    tell->add_option("id", options_->explain.id,
                     "As `log` and `sessions list` show it, or id=… of a log line")
        ->option_text("ID");
    tell->add_flag("--last", options_->explain.last, "The last sign-in instead of an id");
    tell->add_option("--user", options_->explain.user, "With --last: of this user")
        ->option_text("USER");
    tell->add_option("--file", options_->explain.file, "A journal file instead of this machine's")
        ->option_text("FILE");
    run(tell, [](const Context& context, const Options& options) {
      return explain(context, options.explain);
    });
  }

  void add_policy() {
    CLI::App* policy = group_of(app_, "policy", "Show what the configuration permits");
    CLI::App* test = policy->add_subcommand("test", "Show the decisions about a user at a service");
    test->add_option("user", options_->user)->required()->option_text("USER");
    test->add_option("service", options_->service)->required()->option_text("SERVICE");
    run(test, [](const Context& context, const Options& options) {
      return test_policy(context, options.user, options.service);
    });
  }

  void add_identity() {
    CLI::App* identity = group_of(app_, "identity", "Show and pin the Cognito account of a user");
    CLI::App* list = identity->add_subcommand("list", "List all that are pinned");
    add_full(list);
    run(list, [](const Context& context, const Options& options) {
      return list_identities(context, options.full);
    });
    CLI::App* pin = identity->add_subcommand("pin", "Bind USER to the account SUB");
    pin->add_option("user", options_->user)->required()->option_text("USER");
    pin->add_option("sub", options_->sub, "The account's `sub` in the user pool")
        ->required()
        ->option_text("SUB");
    run(pin, [](const Context& context, const Options& options) {
      return pin_identity(context, options.user, options.sub);
    });
    CLI::App* reset = identity->add_subcommand("reset", "Remove the pin of USER");
    reset->add_option("user", options_->user)->required()->option_text("USER");
    run(reset, [](const Context& context, const Options& options) {
      return reset_identity(context, options.user);
    });
  }

  void add_config() {
    CLI::App* config = group_of(app_, "config", "Check and show the configuration");
    run(config->add_subcommand("check", "Check users.conf and cognitod.conf with its drop-ins"),
        [](const Context& context, const Options&) { return check_configuration(context); });
    run(config->add_subcommand("show", "Print each setting of cognitod.conf, and where it is set"),
        [](const Context& context, const Options&) { return show_configuration(context); });
    CLI::App* get = config->add_subcommand("get", "Print one setting of cognitod.conf");
    get->add_option("section", options_->section, "Such as mfa or \"service sshd\"")
        ->required()
        ->option_text("SECTION");
    get->add_option("key", options_->key)->required()->option_text("KEY");
    run(get, [](const Context& context, const Options& options) {
      return get_setting(context, options.section, options.key);
    });
  }

  void add_break_glass() {
    CLI::App* group = group_of(app_, "break-glass", "Accept local passwords in an emergency");
    CLI::App* open = group->add_subcommand("open", "Accept local passwords for a time");
    BreakGlassOptions& options = options_->break_glass;
    open->add_option("--for", options.length, "1min to 24h")->required()->option_text("TIME");
    open->add_option("--user", options.users, "For this user; may be repeated")
        ->option_text("USER");
    open->add_flag("--all", options.all, "For all Cognito users");
    run(open, [](const Context& context, const Options& all) {
      return open_break_glass(context, all.break_glass);
    });
    run(group->add_subcommand("close", "Stop accepting them"),
        [](const Context& context, const Options&) { return close_break_glass(context); });
    run(group->add_subcommand("status", "Show the policy, and whether a window is open"),
        [](const Context& context, const Options&) { return show_break_glass(context); });
  }

  void add_directory() {
    CLI::App* group = group_of(app_, "directory", "Manage lists of users from the user pool");
    run(group->add_subcommand("status", "Show the last list, and whether one is held back"),
        [](const Context& context, const Options&) { return show_directory(context); });
    run(group->add_subcommand("accept", "Lock the users whom the list lacks that is held back"),
        [](const Context& context, const Options&) { return accept_directory(context); });
  }

  void add_name(CLI::App* command) {
    command->add_option("name", options_->users.name)->required()->option_text("NAME");
  }

  void add_users() {
    CLI::App* users = group_of(app_, "users", "Manage accounts that no local file names");
    UserOptions& options = options_->users;
    CLI::App* add = users->add_subcommand("add", "Add an account before its first sign-in");
    add_name(add);
    add->add_option("--uid", options.uid, "Its uid; default: by pool, name and fleet key")
        ->option_text("NUMBER");
    add->add_option("--shell", options.shell, "One of accounts.conf; default: its first one")
        ->option_text("PATH");
    run(add,
        [](const Context& context, const Options& all) { return add_user(context, all.users); });
    CLI::App* list = users->add_subcommand("list", "List all accounts");
    add_full(list);
    run(list,
        [](const Context& context, const Options& all) { return list_users(context, all.full); });
    CLI::App* show = users->add_subcommand("show", "Show one account");
    add_name(show);
    run(show, [](const Context& context, const Options& all) {
      return show_user(context, all.users.name);
    });
    CLI::App* lock = users->add_subcommand("lock", "Refuse its sign-ins; uid and files stay");
    add_name(lock);
    lock->add_flag("--terminate", options.terminate, "End its processes, too");
    run(lock,
        [](const Context& context, const Options& all) { return lock_user(context, all.users); });
    CLI::App* unlock = users->add_subcommand("unlock", "Permit its sign-ins again");
    add_name(unlock);
    run(unlock, [](const Context& context, const Options& all) {
      return unlock_user(context, all.users.name);
    });
    CLI::App* remove = users->add_subcommand("remove", "Remove it; name and uid stay taken");
    add_name(remove);
    remove->add_flag("--yes", options.confirmed, "Do not ask for confirmation");
    run(remove,
        [](const Context& context, const Options& all) { return remove_user(context, all.users); });
    CLI::App* shell = users->add_subcommand("set-shell", "Change its shell");
    add_name(shell);
    shell->add_option("shell", options.shell, "One of accounts.conf")
        ->required()
        ->option_text("PATH");
    run(shell, [](const Context& context, const Options& all) {
      return set_users_shell(context, all.users);
    });
    CLI::App* rebind =
        users->add_subcommand("rebind", "Let the next full sign-in pin another Cognito account");
    add_name(rebind);
    run(rebind, [](const Context& context, const Options& all) {
      return rebind_user(context, all.users.name);
    });
    CLI::App* rename = users->add_subcommand("rename", "Change its name; the uid stays");
    add_name(rename);
    rename->add_option("new", options.new_name)->required()->option_text("NEW");
    run(rename,
        [](const Context& context, const Options& all) { return rename_user(context, all.users); });
    add_users_of_pools(users);
  }

  // The commands for many accounts, and for a local one.
  void add_users_of_pools(CLI::App* users) {
    CLI::App* migrate = users->add_subcommand("migrate", "Move all accounts to another user pool");
    migrate->add_option("from", options_->from, "The former pool's id")
        ->required()
        ->option_text("FROM");
    migrate->add_option("to", options_->to, "The new pool's id")->required()->option_text("TO");
    run(migrate, [](const Context& context, const Options& all) {
      return migrate_users(context, all.from, all.to);
    });
    CLI::App* export_all =
        users->add_subcommand("export", "Print all accounts and retired names as JSON");
    run(export_all, [](const Context& context, const Options&) { return export_users(context); });
    CLI::App* import_all = users->add_subcommand("import", "Add the accounts of an export");
    import_all->add_option("file", options_->file, "The export; - is standard input")
        ->required()
        ->option_text("FILE");
    run(import_all,
        [](const Context& context, const Options& all) { return import_users(context, all.file); });
    CLI::App* adopt =
        users->add_subcommand("adopt", "Bind the local account NAME to the account SUB");
    add_name(adopt);
    adopt->add_option("sub", options_->sub, "The account's `sub` in the user pool")
        ->required()
        ->option_text("SUB");
    run(adopt, [](const Context& context, const Options& all) {
      return adopt_user(context, all.users.name, all.sub);
    });
  }

  void add_image() {
    CLI::App* image =
        app_.add_subcommand("image-prepare", "Remove what a machine image must not contain");
    image->add_flag("--fleet-key", options_->image.fleet_key, "Remove the fleet key, too");
    image->add_flag("--yes", options_->image.confirmed, "Do not ask for confirmation");
    run(image, [](const Context& context, const Options& all) {
      return prepare_image(context, all.image);
    });
  }

  void add_doctor() {
    CLI::App* doctor =
        app_.add_subcommand("doctor", "Check this machine; each fault comes with its fix");
    DoctorOptions& options = options_->doctor;
    doctor->add_flag("--all", options.all, "Show the passed checks, too");
    doctor->add_option("--only", options.only, "Only this check; may be repeated")
        ->option_text("ID");
    doctor->add_flag("--quiet", options.quiet, "Print no text: the exit status is 5 on a fault");
    run(doctor,
        [](const Context& context, const Options& all) { return run_doctor(context, all.doctor); });
  }

  void add_set_up() {
    CLI::App* command = app_.add_subcommand("setup", "Connect this machine to a user pool");
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
    add("--group", options.group, "Unix group of the Cognito users; default: cognito-users",
        "NAME");
    add("--print", options.print, "Print a template instead: cloud-init or ansible", "FORM");
    add("--accounts", options.accounts, "names that need no local account, such as *.*", "PATTERN");
    add("--sudo-group", options.sudo_group, "Cognito groups whose members may use sudo", "GROUPS");
    command->add_flag("--yes", options.confirmed, "Do not ask for confirmation");
    command->add_flag("--dry-run", options.dry_run, "Show the steps, and change nothing");
    command->add_flag("--undo", options.undo, "Take back what setup has changed");
    command->add_flag("--unchecked", options.unchecked,
                      "Set up even if the check of the pool fails");
    run(command, [](const Context& context, const Options& all) {
      return cli::set_up(context, all.set_up);
    });
  }

  static constexpr std::size_t kMostShown = 64;  // characters of an argument in a message

  CLI::App app_;
  Arguments arguments_;
  std::string json_;
  std::shared_ptr<Options> options_;
};

}  // namespace

std::expected<Arguments, ExitCode> parse_arguments(int argc, char** argv) {
  return Parser().parse(argc, argv);
}

}  // namespace pamcognito::cli
