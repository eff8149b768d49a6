#pragma once

// The daemon's names on the system bus, and the names of its errors. org.pamcognito.Auth1.xml is
// the contract; a test holds the two together.
namespace pamcognito::bus_names {

// Where the bus is, whatever the environment of the process says.
inline constexpr char kSystemBus[] = "unix:path=/run/dbus/system_bus_socket";
inline constexpr char kService[] = "org.pamcognito.Auth1";
inline constexpr char kInterface[] = "org.pamcognito.Auth1";
// The same object's for PAM hosts of root; org.pamcognito.Auth1.conf lets nobody else send to it.
inline constexpr char kHostInterface[] = "org.pamcognito.Host1";
inline constexpr char kPath[] = "/org/pamcognito/Auth1";

inline constexpr char kErrorUnconfigured[] = "org.pamcognito.Error.Unconfigured";
inline constexpr char kErrorTooManySignIns[] = "org.pamcognito.Error.TooManySignIns";
inline constexpr char kErrorNotPermitted[] = "org.pamcognito.Error.NotPermitted";
inline constexpr char kErrorNotOurs[] = "org.pamcognito.Error.NotOurs";
inline constexpr char kErrorInvalidArgument[] = "org.pamcognito.Error.InvalidArgument";
// Of the MFA interface, as Amplify names them.
inline constexpr char kErrorNotAuthorized[] = "org.pamcognito.Error.NotAuthorized";
inline constexpr char kErrorInvalidParameter[] = "org.pamcognito.Error.InvalidParameter";
inline constexpr char kErrorResourceNotFound[] = "org.pamcognito.Error.ResourceNotFound";
inline constexpr char kErrorTooManyRequests[] = "org.pamcognito.Error.TooManyRequests";
inline constexpr char kErrorRefused[] = "org.pamcognito.Error.Refused";
inline constexpr char kErrorNotSetUp[] = "org.pamcognito.Error.NotSetUp";
inline constexpr char kErrorUnavailable[] = "org.pamcognito.Error.Unavailable";
inline constexpr char kErrorFailed[] = "org.pamcognito.Error.Failed";
inline constexpr char kErrorNoSuchSession[] = "org.pamcognito.Error.NoSuchSession";

// Keys of the facts dictionary; unknown keys are ignored.
inline constexpr char kFactRealUid[] = "ruid";
inline constexpr char kFactLoginUid[] = "loginuid";
inline constexpr char kFactAuditSession[] = "audit_session";
inline constexpr char kFactTty[] = "tty";
inline constexpr char kFactRemoteHost[] = "rhost";
inline constexpr char kFactRemoteUser[] = "ruser";
inline constexpr char kFactFlags[] = "flags";
inline constexpr char kFactUserUid[] = "uid";  // of the user, as the module resolved it
inline constexpr char kFactLogId[] = "id";     // 16 hexadecimal digits: the transaction's, for logs
inline constexpr char kFactTest[] = "test";    // not 0: a success is not to be kept

}  // namespace pamcognito::bus_names
