#pragma once

// cognitod's names on the system bus, the names of its errors, and the keys of the `facts`
// argument. conf/org.pamcognito.Auth1.xml is the contract; a test compares the two.
namespace pamcognito::bus_names {

// The address of the bus. Environment variables of the process do not change it.
inline constexpr char kSystemBus[] = "unix:path=/run/dbus/system_bus_socket";
inline constexpr char kService[] = "org.pamcognito.Auth1";
inline constexpr char kInterface[] = "org.pamcognito.Auth1";
// The interface of the same object for PAM hosts that run as root. org.pamcognito.Auth1.conf lets
// only root send to it.
inline constexpr char kHostInterface[] = "org.pamcognito.Host1";
inline constexpr char kPath[] = "/org/pamcognito/Auth1";

inline constexpr char kErrorUnconfigured[] = "org.pamcognito.Error.Unconfigured";
inline constexpr char kErrorTooManySignIns[] = "org.pamcognito.Error.TooManySignIns";
inline constexpr char kErrorNotPermitted[] = "org.pamcognito.Error.NotPermitted";
inline constexpr char kErrorNotOurs[] = "org.pamcognito.Error.NotOurs";
inline constexpr char kErrorInvalidArgument[] = "org.pamcognito.Error.InvalidArgument";
// Errors of the MFA methods, with the names that Amplify uses.
inline constexpr char kErrorNotAuthorized[] = "org.pamcognito.Error.NotAuthorized";
inline constexpr char kErrorInvalidParameter[] = "org.pamcognito.Error.InvalidParameter";
inline constexpr char kErrorResourceNotFound[] = "org.pamcognito.Error.ResourceNotFound";
inline constexpr char kErrorTooManyRequests[] = "org.pamcognito.Error.TooManyRequests";
inline constexpr char kErrorRefused[] = "org.pamcognito.Error.Refused";
inline constexpr char kErrorNotSetUp[] = "org.pamcognito.Error.NotSetUp";
inline constexpr char kErrorUnavailable[] = "org.pamcognito.Error.Unavailable";
inline constexpr char kErrorFailed[] = "org.pamcognito.Error.Failed";
inline constexpr char kErrorNoSuchSession[] = "org.pamcognito.Error.NoSuchSession";

// Keys of the `facts` dictionary; cognitod ignores unknown keys.
inline constexpr char kFactRealUid[] = "ruid";
inline constexpr char kFactLoginUid[] = "loginuid";
inline constexpr char kFactAuditSession[] = "audit_session";
inline constexpr char kFactTty[] = "tty";
inline constexpr char kFactRemoteHost[] = "rhost";
inline constexpr char kFactRemoteUser[] = "ruser";
inline constexpr char kFactFlags[] = "flags";
inline constexpr char kFactUserUid[] = "uid";  // the uid of PAM_USER
inline constexpr char kFactLogId[] = "id";   // the transaction's id for logs, 16 hexadecimal digits
inline constexpr char kFactTest[] = "test";  // if not 0, a success is discarded

}  // namespace pamcognito::bus_names
