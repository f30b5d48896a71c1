/*
 * kmshsm: Alibaba Cloud's Managed HSM as a library.
 *
 * Made of include/kmshsm.h.in and the comments in src/ffi by `make bless`; do not edit.
 */

/**
 * @file
 * The C interface of libkmshsm: Alibaba Cloud's Managed HSM as a library.
 *
 * This is the contract. It holds for all functions; their own comments say what is beyond it.
 *
 * @par Calls
 * A function is typed when bytes cross it; everything else is kmshsm_call(), whose request and
 * answer are exactly the JSON of the KMS API (2016-01-20). The library needs no initialization.
 *
 * @par Status
 * Functions answer a kmshsm_status: 0 (KMSHSM_OK) or the number of an error, KMSHSM_ERROR_*.
 * Numbers never change; new ones may come. The hundreds are the family (1 argument, 2 access,
 * 3 not found, 4 state, 5 cryptography, 6 store, 9 internal), so status / 100 may be switched on.
 * kmshsm_status_name() gives the API's code, such as "Rejected.Disabled"; two numbers may share one.
 * kmshsm_last_error() gives the text of this thread's last failure, for people only. Any function
 * may answer Abi.* and Module.*, those about stores Store.*, too; its comment lists the rest.
 *
 * @par What goes in
 * A string is NUL-terminated UTF-8. "const uint8_t *x, size_t x_len" are bytes; x may be NULL if
 * x_len is 0. Nothing is kept after the call. Secrets are the caller's to wipe.
 *
 * @par What comes out
 * "uint8_t *out, size_t out_capacity, size_t *out_len": if there is no room, *out_len gets the size
 * that suffices and the answer is KMSHSM_ERROR_BUFFER_TOO_SMALL, before any work; so a first call
 * with capacity 0 asks for the size. On success *out_len gets the length, which may be less than
 * what was asked for. A failure leaves outputs as they were, or zeros in them. Outputs must overlap
 * neither inputs nor each other. A truth value is an int, 0 or 1, and written on success only.
 *
 * @par Strings
 * What the library hands out as "char **answer" is freed with kmshsm_string_free(), which wipes it.
 *
 * @par Handles
 * They are opaque and never followed as pointers: NULL answers Abi.NullArgument, a forged one
 * Abi.BadHandle, a freed one Abi.Closed. No structure crosses this interface.
 *
 * @par Threads
 * Every function may be called from any thread, by several at once, on one handle as well. Ending a
 * handle while another thread uses it waits for that call to finish. The library starts no thread
 * but one for each store in a directory, once calls or events are to be written down, those that
 * kmshsm_open_with() is asked for, and up to seven while the operation VerifyStore runs. They have
 * all signals blocked.
 *
 * @par Text
 * Base64 in the JSON of Encrypt and Decrypt is bytes here: both read each other's ciphertext.
 *
 * @par fork()
 * The child's handles answer Module.Forked; it opens the store anew.
 *
 * @par Signals
 * They are fine, and the library installs no handler. But a handler calls none of these functions
 * and does not fork, and no thread leaves a call by longjmp() from a handler, or is cancelled in
 * one: it would take memory with it that the library needs.
 *
 * @par Failure
 * A panic never crosses: it becomes InternalFailure. It and a failed self-test put every open store
 * of the process into its error state: all functions answer Module.ErrorState until the store is
 * opened again, which tests the module anew; kmshsm_module_status() tells the reason. No
 * environment variable lowers the library's security.
 *
 * @par Compatibility
 * Functions, constants and numbers stay as they are for as long as the soname does; new ones come.
 * kmshsm_feature() tells what a library has.
 */

#ifndef KMSHSM_H
#define KMSHSM_H

#include <stddef.h>
#include <stdint.h>

/// Before a function whose status must be looked at; compilers that can say when it is not.
#if defined(__GNUC__) || defined(__clang__)
#define KMSHSM_MUST_USE __attribute__((warn_unused_result))
#else
#define KMSHSM_MUST_USE
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Handles and strings ---------------------------------------------------------------------- */

/// @defgroup handles Handles and strings
/// What functions take and hand out.
/// @{

/// The digest of a message that comes in pieces.
typedef struct kmshsm_digest kmshsm_digest;

/// A principal in an account and region of an open store.
typedef struct kmshsm_session kmshsm_session;

/// An open store.
typedef struct kmshsm_store kmshsm_store;

/// Wipes and frees a string that this library handed out and the caller has not written to. NULL is
/// fine.
///
/// @param string  the string, or NULL
/// @code
/// kmshsm_string_free(answer);
/// @endcode
void kmshsm_string_free(char *string);

/// @}

/* ---- Errors ----------------------------------------------------------------------------------- */

/// @defgroup errors Errors
/// What functions answer, and what is known of a thread's last call.
/// @{

/// What went wrong, as a number that never changes (kmshsm_status in C).
enum kmshsm_error
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : uint32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    /// A required parameter is absent.
    KMSHSM_ERROR_MISSING_PARAMETER = 101,
    /// A parameter has a value that the operation does not take.
    KMSHSM_ERROR_INVALID_PARAMETER = 102,
    /// The request is not well-formed JSON, or not a JSON object.
    KMSHSM_ERROR_PARSE_REQUEST_PARAMETER_EXCEPTION = 103,
    /// The operation does not fit the key (its kind or usage), or is not offered here.
    KMSHSM_ERROR_UNSUPPORTED_OPERATION = 104,
    /// The operation does not fit the key: asymmetric operations, versions and rotation.
    KMSHSM_ERROR_REJECTED_UNSUPPORTED_OPERATION = 105,
    /// The operation is not for a key of this origin.
    KMSHSM_ERROR_UNSUPPORTED_ORIGIN = 106,
    /// The operation takes a key id, not an alias.
    KMSHSM_ERROR_UNSUPPORTED_ALIAS = 107,
    /// The region does not offer the protection level.
    KMSHSM_ERROR_UNSUPPORTED_PROTECTION_LEVEL = 108,
    /// A required pointer is NULL.
    KMSHSM_ERROR_NULL_ARGUMENT = 110,
    /// The output buffer is too small; the needed size has been written.
    KMSHSM_ERROR_BUFFER_TOO_SMALL = 111,
    /// The handle is none of this library's, or of another type.
    KMSHSM_ERROR_BAD_HANDLE = 112,
    /// The handle, or the store behind it, has been closed.
    KMSHSM_ERROR_CLOSED = 113,
    /// There is an alias of that name already.
    KMSHSM_ERROR_ALIAS_EXISTS = 114,
    /// A tag key is given more than once.
    KMSHSM_ERROR_DUPLICATE_TAG_KEY = 115,
    /// A tag key has a length or characters that tags do not take.
    KMSHSM_ERROR_INVALID_TAG_KEY = 116,
    /// A tag value has a length or characters that tags do not take.
    KMSHSM_ERROR_INVALID_TAG_VALUE = 117,
    /// There is a user of that name already.
    KMSHSM_ERROR_USER_EXISTS = 118,
    /// There is a policy of that name already.
    KMSHSM_ERROR_POLICY_EXISTS = 119,
    /// Shares of a secret are damaged, of different sets or too few.
    KMSHSM_ERROR_INVALID_SHARES = 120,
    /// The caller may not do this, or may not know whether it could be done.
    KMSHSM_ERROR_NO_PERMISSION = 201,
    /// The passphrase, key file or shares open no unlock slot of the store.
    KMSHSM_ERROR_UNLOCK_FAILED = 202,
    /// No such access key.
    KMSHSM_ERROR_ACCESS_KEY_NOT_FOUND = 203,
    /// The access key is inactive, or its user is locked out after failures.
    KMSHSM_ERROR_ACCESS_KEY_INACTIVE = 204,
    /// The secret is not that of the access key.
    KMSHSM_ERROR_INCOMPLETE_SIGNATURE = 205,
    /// No such key in this account and region.
    KMSHSM_ERROR_KEY_NOT_FOUND = 301,
    /// The key has no such version.
    KMSHSM_ERROR_KEY_VERSION_NOT_FOUND = 302,
    /// No such alias in this account and region.
    KMSHSM_ERROR_ALIAS_NOT_FOUND = 303,
    /// The API has no operation of that name.
    KMSHSM_ERROR_ACTION_NOT_FOUND = 304,
    /// There is no store at the given place.
    KMSHSM_ERROR_STORE_NOT_FOUND = 305,
    /// No such resource in this account and region.
    KMSHSM_ERROR_RESOURCE_NOT_FOUND = 306,
    /// No such user in this account.
    KMSHSM_ERROR_USER_NOT_FOUND = 307,
    /// No such policy in this account.
    KMSHSM_ERROR_POLICY_NOT_FOUND = 308,
    /// The user has no such access key.
    KMSHSM_ERROR_USER_ACCESS_KEY_NOT_FOUND = 309,
    /// The key has no such policy.
    KMSHSM_ERROR_KEY_POLICY_NOT_FOUND = 310,
    /// The policy is not attached to the user.
    KMSHSM_ERROR_POLICY_NOT_ATTACHED = 311,
    /// The key's state does not allow the change.
    KMSHSM_ERROR_STATE_MODIFIED_FAILED = 401,
    /// The key is disabled.
    KMSHSM_ERROR_DISABLED = 402,
    /// The key awaits its deletion.
    KMSHSM_ERROR_PENDING_DELETION = 403,
    /// The key awaits its material.
    KMSHSM_ERROR_PENDING_IMPORT = 404,
    /// A quota is used up.
    KMSHSM_ERROR_LIMIT_EXCEEDED = 405,
    /// Too many calls in a second.
    KMSHSM_ERROR_THROTTLED = 406,
    /// The process has forked since the store was opened; the child must open it anew.
    KMSHSM_ERROR_FORKED = 407,
    /// A self-test failed or the module caught a panic; only reopening recovers.
    KMSHSM_ERROR_ERROR_STATE = 408,
    /// Memory of this process cannot be locked, and keys at level HSM demand it.
    KMSHSM_ERROR_MEMORY_PROTECTION = 409,
    /// The locked memory for keys is used up by keys in use at this moment.
    KMSHSM_ERROR_MEMORY_EXHAUSTED = 410,
    /// The policy is attached to the user already.
    KMSHSM_ERROR_POLICY_ATTACHED = 411,
    /// The user still has access keys.
    KMSHSM_ERROR_USER_HAS_ACCESS_KEY = 412,
    /// The user still has policies.
    KMSHSM_ERROR_USER_HAS_POLICY = 413,
    /// The policy is still attached to users.
    KMSHSM_ERROR_POLICY_HAS_USER = 414,
    /// The service has been opened already.
    KMSHSM_ERROR_SERVICE_OPENED = 415,
    /// The imported material is not what the key takes.
    KMSHSM_ERROR_INVALID_KEY_MATERIAL = 501,
    /// The import token is none of this key's, or its key pair has been destroyed.
    KMSHSM_ERROR_INVALID_IMPORT_TOKEN = 502,
    /// The import token's 24 hours are over.
    KMSHSM_ERROR_EXPIRED_IMPORT_TOKEN = 503,
    /// The ciphertext does not open: damaged, of another key, or with another context.
    KMSHSM_ERROR_INVALID_CIPHERTEXT = 504,
    /// Reading or writing the store failed.
    KMSHSM_ERROR_STORE_FAILED = 601,
    /// The file is not a kmshsm store.
    KMSHSM_ERROR_NOT_A_STORE = 602,
    /// The store was written by a newer version of this library.
    KMSHSM_ERROR_STORE_TOO_NEW = 603,
    /// The store has been cut short, changed from outside or mixed with another.
    KMSHSM_ERROR_STORE_DAMAGED = 604,
    /// The store has become read-only after a write error; reopening recovers.
    KMSHSM_ERROR_DEGRADED = 605,
    /// Another copy of this library in this process holds the store.
    KMSHSM_ERROR_STORE_IN_USE = 606,
    /// There is a store already.
    KMSHSM_ERROR_STORE_EXISTS = 607,
    /// The file system cannot keep the store safely.
    KMSHSM_ERROR_UNSUPPORTED_FILESYSTEM = 608,
    /// Others kept changing the same records; nothing was written.
    KMSHSM_ERROR_CONFLICT = 609,
    /// The audit trail has been cut short, changed or reordered.
    KMSHSM_ERROR_TRAIL_DAMAGED = 610,
    /// The store has gone back behind a state that is known to have been reached.
    KMSHSM_ERROR_STORE_SUSPECT = 611,
    /// The store is on media that cannot be written to.
    KMSHSM_ERROR_STORE_READ_ONLY = 612,
    /// The root key has been replaced since the store was opened.
    KMSHSM_ERROR_STORE_REKEYED = 613,
    /// The backup has been cut short or changed.
    KMSHSM_ERROR_BACKUP_DAMAGED = 614,
    /// This is no backup of a store.
    KMSHSM_ERROR_NOT_A_BACKUP = 615,
    /// A token of another module cannot be read.
    KMSHSM_ERROR_TOKEN_FAILED = 616,
    /// A defect of this library.
    KMSHSM_ERROR_INTERNAL = 901,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum kmshsm_error kmshsm_error;
#else
typedef uint32_t kmshsm_error;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/// The last call did no cryptography for its caller, or failed.
#define KMSHSM_INDICATOR_NONE 0

/// Everything that the last call did is approved in the profile of its region.
#define KMSHSM_INDICATOR_APPROVED 1

/// Something that the last call did is not.
#define KMSHSM_INDICATOR_NOT_APPROVED 2

/// What every function answers: KMSHSM_OK, or the number of an error. The hundreds are the family:
/// 1 argument, 2 access, 3 not found, 4 state, 5 crypto, 6 storage, 9 internal.
typedef uint32_t kmshsm_status;

/// Success.
#define KMSHSM_OK 0

/// The text of this thread's last failure, for people only: no program may read meaning out of it.
/// Empty before the first failure.
///
/// @return a string that is valid until the next failure on this thread; do not free it.
/// @code
/// fprintf(stderr, "%s\n", kmshsm_last_error());
/// @endcode
const char *kmshsm_last_error(void);

/// Whether what this thread's last call that takes a session did is approved by the standards that
/// go with the region's class of hardware: NIST's, or the State Cryptography Administration's.
/// Nothing that a key at level SOFTWARE does is. An approved call is no certified one: nobody has
/// validated this library.
///
/// @return KMSHSM_INDICATOR_NONE, KMSHSM_INDICATOR_APPROVED or KMSHSM_INDICATOR_NOT_APPROVED
/// @code
/// is_approved = kmshsm_last_indicator() == KMSHSM_INDICATOR_APPROVED;
/// @endcode
int32_t kmshsm_last_indicator(void);

/// The name of a status: the KMS API's code, such as "Rejected.Disabled"; "OK" for KMSHSM_OK, and
/// "Unknown" for a number that is none of this library's.
///
/// @param status  what a function has answered
/// @return a constant string.
/// @code
/// fprintf(stderr, "%s (%u)\n", kmshsm_status_name(status), (unsigned)status);
/// @endcode
const char *kmshsm_status_name(kmshsm_status status);

/// The HTTP status that the service answers with that failure, for programs that answer HTTP
/// themselves.
///
/// @param status  what a function has answered
/// @return 400 to 599; 200 for KMSHSM_OK, and 500 for a number that is none of this library's
/// @code
/// http_status = kmshsm_status_http(status);
/// @endcode
int kmshsm_status_http(kmshsm_status status);

/// @}

/* ---- Stores ----------------------------------------------------------------------------------- */

/// @defgroup stores Stores
/// Where keys are: a directory, or memory. A process opens a store once and shares it among its
/// threads; several processes may have one open.
/// @{

/// No secret: stores in memory.
#define KMSHSM_UNLOCK_NONE 0

/// A passphrase, stretched with Argon2id.
#define KMSHSM_UNLOCK_PASSPHRASE 1

/// The 32 bytes of a key file.
#define KMSHSM_UNLOCK_KEY_FILE 2

/// Shares in words, one on each line; as many as are needed. A store is created with another
/// secret.
#define KMSHSM_UNLOCK_SHARES 3

/// For kmshsm_open: the operator's override. Keys at protection level HSM may be used although
/// this process cannot lock memory.
#define KMSHSM_ALLOW_UNPROTECTED_MEMORY 1

/// Creates a store in the directory place, which must not exist or be empty.
///
/// @param place  a path on a local file system
/// @param unlock  KMSHSM_UNLOCK_PASSPHRASE or KMSHSM_UNLOCK_KEY_FILE
/// @param secret,secret_len  the passphrase (not empty), or the 32 bytes of the key file; the
///         caller wipes it
/// @return KMSHSM_OK, Store.Exists, InvalidParameter, Store.*
/// @code
/// status = kmshsm_create(place, KMSHSM_UNLOCK_PASSPHRASE, secret, secret_len);
/// @endcode
KMSHSM_MUST_USE
kmshsm_status kmshsm_create(const char *place,
                            uint32_t unlock,
                            const uint8_t *secret,
                            size_t secret_len);

/// Creates a store with what kmshsm_create has no parameter for.
///
/// @param place  as for kmshsm_create
/// @param unlock  as for kmshsm_create
/// @param secret,secret_len  as for kmshsm_create
/// @param options  a JSON object, or NULL for none: "Identity" is the kind of the key pair that
///         signs checkpoints of the audit trail for ever, "EC_P256" (the default) or "EC_SM2"
/// @return as kmshsm_create; InvalidParameter also for options
/// @code
/// status = kmshsm_create_with(place, KMSHSM_UNLOCK_PASSPHRASE, secret, secret_len,
///                             "{\"Identity\": \"EC_SM2\"}");
/// @endcode
KMSHSM_MUST_USE
kmshsm_status kmshsm_create_with(const char *place,
                                 uint32_t unlock,
                                 const uint8_t *secret,
                                 size_t secret_len,
                                 const char *options);

/// Opens a store.
///
/// @param place  the directory of a store; or "memory:", a new store that is gone when closed; or
///         "memory:?clock=manual", one whose clock stands at 2019-07-04T13:14:15Z until the action
///         AdvanceClock moves it; or "memory:?seed=TEXT", alone or with "&clock=manual", one for
///         tests, whose ids and keys, but for those of RSA, depend on TEXT and the calls alone: who
///         knows TEXT knows the keys; answers say "TestOnly": true, kmshsm_module_status
///         "test_only": true
/// @param unlock  KMSHSM_UNLOCK_*; NONE for a store in memory
/// @param secret,secret_len  as for kmshsm_create, byte for byte: one read from a file loses its
///         newline first; the caller wipes it
/// @param flags  0 or KMSHSM_ALLOW_UNPROTECTED_MEMORY
/// @param[out] out  the store; end it with kmshsm_close
/// @return KMSHSM_OK, Store.NotFound, Store.UnlockFailed, Store.NotAStore, Store.TooNew,
///         Store.Damaged, Store.InUse, InvalidParameter
/// @code
/// status = kmshsm_open("memory:", KMSHSM_UNLOCK_NONE, NULL, 0, 0, &store);
/// @endcode
KMSHSM_MUST_USE
kmshsm_status kmshsm_open(const char *place,
                          uint32_t unlock,
                          const uint8_t *secret,
                          size_t secret_len,
                          uint32_t flags,
                          const kmshsm_store **out);

/// Opens a store with options that kmshsm_open has no flags for: quotas, a thread of the library
/// that does what falls due, what the audit trail records, and what is known of the store's past.
///
/// - "AllowUnprotectedMemory": true is the flag of kmshsm_open.
/// - "Quotas": limits for each account in each region: "service" for the service's own, or an
///   object of the numbers "Keys", "Aliases", "Versions", "Tags" (of one key) and of
///   "RequestsPerSecond": {"CreateKey", "Symmetric", "Rsa", "Curves", "Read", "Write"}, calls in a
///   second, counted by each process for itself. What is absent has no limit, but a key has 20
///   tags at most; of the rates, the service's: 10, 750, 200, 200, 20, 10.
/// - "KeeperSeconds": a thread does what kmshsm_tick does every so many seconds, 1 to 4294967295,
///   until the store is closed. It takes no signals.
/// - "Audit": which uses of keys become events of the audit trail, by this process: "off", those
///   that permission is refused (the default); "denied", all that fail; "all". Changes are recorded
///   always.
/// - "StrictAudit": true: a use that is recorded is answered only when its event is on disk.
///   Otherwise events of uses are written within a second.
/// - "Identity": of a new store in memory, as for kmshsm_create_with.
/// - "Anchor": the path of a file on other media than the store's that remembers how far the store
///   has come, made if there is none; of stores in directories. A store that is behind it, a copy
///   that was put back for example, is suspect: reading and its keys work, changes answer
///   Store.Suspect.
/// - "MinGeneration": a number that "generation" of kmshsm_module_status has reached; a store that
///   has not is suspect.
/// - "AcceptRollback": true takes a suspect store as it is, which is recorded.
///
/// @param place  as for kmshsm_open
/// @param unlock  as for kmshsm_open
/// @param secret,secret_len  as for kmshsm_open
/// @param options  a JSON object of these members, or NULL for none
/// @param[out] out  as for kmshsm_open
/// @return as kmshsm_open; InvalidParameter also for options or quotas
/// @code
/// status = kmshsm_open_with("memory:", KMSHSM_UNLOCK_NONE, NULL, 0,
///                           "{\"Quotas\": \"service\", \"KeeperSeconds\": 3600}", &store);
/// @endcode
KMSHSM_MUST_USE
kmshsm_status kmshsm_open_with(const char *place,
                               uint32_t unlock,
                               const uint8_t *secret,
                               size_t secret_len,
                               const char *options,
                               const kmshsm_store **out);

/// Does all that is due in the store, whoever's it is: destroys keys whose waiting period is over
/// and material that has expired, makes the versions of automatic rotation. No answer of any call
/// depends on it, but a key that nobody asks for leaves the store only then. Call it now and then,
/// once a day for example, from any process; or see kmshsm_open_with for a thread that does.
///
/// @param store  the store
/// @param[out] answer  JSON, to be freed with kmshsm_string_free: how many keys were destroyed,
///         versions made, and keys lost their material, by this call: {"Deleted": 0, "Rotated": 0,
///         "Expired": 0}
/// @return KMSHSM_OK, Store.*
/// @code
/// status = kmshsm_tick(store, &answer);
/// @endcode
KMSHSM_MUST_USE
kmshsm_status kmshsm_tick(const kmshsm_store *store,
                          char **answer);

/// Closes a store and wipes its keys. Its sessions answer Abi.Closed from then on; free them, too.
/// Returns when the calls under way that use the store or its keys have ended, and the thread that
/// kmshsm_open_with may have started. NULL is fine, and so is a handle that has been closed
/// already.
///
/// @param store  the store, or NULL
/// @code
/// kmshsm_close(store);
/// @endcode
void kmshsm_close(const kmshsm_store *store);

/// @}

/* ---- Sessions --------------------------------------------------------------------------------- */

/// @defgroup sessions Sessions
/// Who calls: an account or one of its users, in a region.
/// @{

/// Opens a session: the root of an account in a region.
///
/// @param store  the store
/// @param account  decimal digits, such as "111122223333"
/// @param region  such as "cn-hongkong"
/// @param[out] out  the session; end it with kmshsm_session_free
/// @return KMSHSM_OK, InvalidParameter (AccountId or RegionId)
/// @code
/// status = kmshsm_session_open(store, "111122223333", "cn-hongkong", &session);
/// @endcode
KMSHSM_MUST_USE
kmshsm_status kmshsm_session_open(const kmshsm_store *store,
                                  const char *account,
                                  const char *region,
                                  const kmshsm_session **out);

/// Opens a session for anybody: the root of an account, or a user by an access key; with what is
/// known of the program at the other end, for conditions of policies and for the audit trail.
///
/// - "Account": decimal digits; may be absent with an access key, which tells.
/// - "Region": such as "cn-hongkong".
/// - "AccessKeyId": of the user who calls; without it, it is the account itself.
/// - "SourceIp": an address of IPv4 or IPv6, for acs:SourceIp.
/// - "SecureTransport", "MFAPresent": true or false, for acs:SecureTransport and acs:MFAPresent.
/// - "UserAgent": a text of 1 to 256 characters, for events.
///
/// @param store  the store
/// @param login  a JSON object of these members, of which all but "Region" may be absent
/// @param secret,secret_len  the access key's secret, or NULL and 0 without one; the caller wipes
///         it
/// @param[out] out  the session; end it with kmshsm_session_free
/// @return KMSHSM_OK, InvalidParameter, MissingParameter; IncompleteSignature for a wrong secret,
///         which is counted: five in a row lock the user out for 15 minutes;
///         InvalidAccessKeyId.NotFound; Forbidden.AccessKey if it is inactive or its user locked
///         out
/// @code
/// status = kmshsm_session_open_with(store,
///                                   "{\"Account\": \"111122223333\", \"Region\": \"cn-hongkong\","
///                                   " \"SourceIp\": \"192.0.2.7\"}", NULL, 0, &session);
/// @endcode
KMSHSM_MUST_USE
kmshsm_status kmshsm_session_open_with(const kmshsm_store *store,
                                       const char *login,
                                       const uint8_t *secret,
                                       size_t secret_len,
                                       const kmshsm_session **out);

/// Ends a session. Returns when the calls under way on it have ended. NULL is fine, and so is a
/// handle that has been freed already.
///
/// @param session  the session, or NULL
/// @code
/// kmshsm_session_free(session);
/// @endcode
void kmshsm_session_free(const kmshsm_session *session);

/// @}

/* ---- Calls ------------------------------------------------------------------------------------ */

/// @defgroup calls Calls
/// The whole KMS API, in JSON.
/// @{

/// Does any action of the KMS API, with requests and answers exactly as its JSON.
///
/// @param session  who calls
/// @param action  the API's name, such as "CreateKey"
/// @param parameters  a JSON object of the action's parameters, or NULL for none
/// @param[out] answer  the answer with its RequestId, to be freed with kmshsm_string_free; written
///         on success only
/// @return KMSHSM_OK, InvalidAction.NotFound, ParseRequestParameterException, MissingParameter,
///         InvalidParameter, or what the action answers
/// @code
/// status = kmshsm_call(session, "CreateKey", "{\"ProtectionLevel\": \"HSM\"}", &answer);
/// @endcode
KMSHSM_MUST_USE
kmshsm_status kmshsm_call(const kmshsm_session *session,
                          const char *action,
                          const char *parameters,
                          char **answer);

/// @}

/* ---- Symmetric keys --------------------------------------------------------------------------- */

/// @defgroup symmetric Symmetric keys
/// Encrypting, decrypting, data keys: bytes, without JSON, Base64 or a copy of the input.
/// @{

/// How much longer a ciphertext is than its plaintext, in bytes.
#define KMSHSM_CIPHERTEXT_OVERHEAD 91

/// The longest plaintext that kmshsm_encrypt takes, in bytes.
#define KMSHSM_PLAINTEXT_MAX 6144

/// The longest data key, in bytes.
#define KMSHSM_DATA_KEY_MAX 1024

/// The most bytes that kmshsm_random gives.
#define KMSHSM_RANDOM_MAX 1024

/// Encrypts up to KMSHSM_PLAINTEXT_MAX bytes under a symmetric key. Base64 given to the action
/// Encrypt in JSON is bytes here: both read each other's ciphertext.
///
/// @param session  who calls
/// @param key_id  a key id, an alias, or the ARN of a key
/// @param plaintext,plaintext_len  0 to KMSHSM_PLAINTEXT_MAX bytes
/// @param encryption_context  a JSON object of strings that must be given again to decrypt, or NULL
/// @param[out] out,out_capacity,out_len  the ciphertext: plaintext_len + KMSHSM_CIPHERTEXT_OVERHEAD
///         bytes
/// @return KMSHSM_OK, Abi.BufferTooSmall, Forbidden.KeyNotFound, Rejected.*, InvalidParameter,
///         UnsupportedOperation
/// @code
/// status = kmshsm_encrypt(session, key, text, text_len, "{\"for\": \"mail\"}",
///                         out, sizeof out, &out_len);
/// @endcode
KMSHSM_MUST_USE
kmshsm_status kmshsm_encrypt(const kmshsm_session *session,
                             const char *key_id,
                             const uint8_t *plaintext,
                             size_t plaintext_len,
                             const char *encryption_context,
                             uint8_t *out,
                             size_t out_capacity,
                             size_t *out_len);

/// Decrypts what kmshsm_encrypt, kmshsm_generate_data_key or the actions of the same names made. Of
/// a text it gives the UTF-8.
///
/// @param session  who calls
/// @param ciphertext,ciphertext_len  the ciphertext, which names its key
/// @param encryption_context  what was given to encrypt, or NULL
/// @param[out] out,out_capacity,out_len  the plaintext: ciphertext_len - KMSHSM_CIPHERTEXT_OVERHEAD
///         bytes; on failure it is untouched or holds zeros
/// @return KMSHSM_OK, Abi.BufferTooSmall, KMSHSM_ERROR_INVALID_CIPHERTEXT (whose name is
///         InvalidParameter, too) for any ciphertext that does not open, Forbidden.KeyNotFound,
///         Rejected.*
/// @code
/// status = kmshsm_decrypt(session, blob, blob_len, NULL, out, sizeof out, &out_len);
/// @endcode
KMSHSM_MUST_USE
kmshsm_status kmshsm_decrypt(const kmshsm_session *session,
                             const uint8_t *ciphertext,
                             size_t ciphertext_len,
                             const char *encryption_context,
                             uint8_t *out,
                             size_t out_capacity,
                             size_t *out_len);

/// Makes a data key: random bytes to encrypt with, and the same bytes encrypted, to be kept beside
/// the data and given to kmshsm_decrypt later.
///
/// @param session  who calls
/// @param key_id  a key id, an alias, or the ARN of a key
/// @param number_of_bytes  1 to KMSHSM_DATA_KEY_MAX
/// @param encryption_context  a JSON object of strings that must be given again to decrypt, or NULL
/// @param[out] plaintext,plaintext_capacity,plaintext_len  the data key: number_of_bytes; the
///         caller wipes it after use
/// @param[out] ciphertext,ciphertext_capacity,ciphertext_len  number_of_bytes +
///         KMSHSM_CIPHERTEXT_OVERHEAD
/// @return as kmshsm_encrypt; nothing stays in either buffer on failure
/// @code
/// status = kmshsm_generate_data_key(session, key, 32, NULL, data_key, 32, &data_key_len,
///                                   blob, sizeof blob, &blob_len);
/// @endcode
KMSHSM_MUST_USE
kmshsm_status kmshsm_generate_data_key(const kmshsm_session *session,
                                       const char *key_id,
                                       size_t number_of_bytes,
                                       const char *encryption_context,
                                       uint8_t *plaintext,
                                       size_t plaintext_capacity,
                                       size_t *plaintext_len,
                                       uint8_t *ciphertext,
                                       size_t ciphertext_capacity,
                                       size_t *ciphertext_len);

/// Makes a data key and gives its ciphertext only, for those who distribute keys they must not see.
///
/// @param session  who calls
/// @param key_id  a key id, an alias, or the ARN of a key
/// @param number_of_bytes  1 to KMSHSM_DATA_KEY_MAX
/// @param encryption_context  as for kmshsm_generate_data_key
/// @param[out] ciphertext,ciphertext_capacity,ciphertext_len  number_of_bytes +
///         KMSHSM_CIPHERTEXT_OVERHEAD
/// @return as kmshsm_encrypt
/// @code
/// status = kmshsm_generate_data_key_without_plaintext(session, key, 32, NULL,
///                                                     blob, sizeof blob, &blob_len);
/// @endcode
KMSHSM_MUST_USE
kmshsm_status kmshsm_generate_data_key_without_plaintext(const kmshsm_session *session,
                                                         const char *key_id,
                                                         size_t number_of_bytes,
                                                         const char *encryption_context,
                                                         uint8_t *ciphertext,
                                                         size_t ciphertext_capacity,
                                                         size_t *ciphertext_len);

/// Draws random bytes from the generator that also makes the keys: a CTR_DRBG with AES-256 (NIST SP
/// 800-90A). An extension; the action of the same kind is GenerateRandom.
///
/// @param session  who calls
/// @param number_of_bytes  1 to KMSHSM_RANDOM_MAX
/// @param[out] out,out_capacity,out_len  number_of_bytes
/// @return KMSHSM_OK, Abi.BufferTooSmall, InvalidParameter
/// @code
/// status = kmshsm_random(session, 16, out, sizeof out, &out_len);
/// @endcode
KMSHSM_MUST_USE
kmshsm_status kmshsm_random(const kmshsm_session *session,
                            size_t number_of_bytes,
                            uint8_t *out,
                            size_t out_capacity,
                            size_t *out_len);

/// @}

/* ---- Asymmetric keys -------------------------------------------------------------------------- */

/// @defgroup asymmetric Asymmetric keys
/// Signing digests, and encrypting with public keys. Every call names a version of the key.
/// @{

/// The length of a digest that is signed, in bytes, whatever the algorithm.
#define KMSHSM_DIGEST_LEN 32

/// Room for the signature of any key, in bytes.
#define KMSHSM_SIGNATURE_MAX 512

/// How much longer a ciphertext of SM2PKE is than its plaintext, in bytes.
#define KMSHSM_SM2_OVERHEAD 97

/// Room for the ciphertext of any RSA key, in bytes.
#define KMSHSM_RSA_CIPHERTEXT_MAX 512

/// Room for the public key of any key in PEM, in bytes.
#define KMSHSM_PUBLIC_KEY_PEM_MAX 1024

/// Signs a digest. Of a message, kmshsm_sign_message and kmshsm_digest_finish make it.
///
/// @param session  who calls
/// @param key_id  a key id, an alias, or the ARN of a key, of a key for SIGN/VERIFY
/// @param key_version_id  the version that signs; the action ListKeyVersions names them
/// @param algorithm  "RSA_PSS_SHA_256" or "RSA_PKCS1_SHA_256" for RSA, "ECDSA_SHA_256" for EC_P256
///         and EC_P256K, "SM2DSA" for EC_SM2
/// @param digest,digest_len  KMSHSM_DIGEST_LEN bytes: SHA-256 of the message, for SM2DSA SM3(Z_A |
///         message)
/// @param[out] out,out_capacity,out_len  the signature. The size that is asked for depends on the
///         key: the length of its modulus for RSA (256, 384 or 512 bytes), otherwise 72, of which
///         DER SEQUENCE { r, s } mostly takes 70 to 72: *out_len tells. Or give room for
///         KMSHSM_SIGNATURE_MAX
/// @return KMSHSM_OK, Abi.BufferTooSmall, Forbidden.KeyNotFound,
///         KMSHSM_ERROR_KEY_VERSION_NOT_FOUND, Rejected.*, InvalidParameter
/// @code
/// status = kmshsm_sign(session, signer, version, "ECDSA_SHA_256", hash, KMSHSM_DIGEST_LEN,
///                      signature, sizeof signature, &signature_len);
/// @endcode
KMSHSM_MUST_USE
kmshsm_status kmshsm_sign(const kmshsm_session *session,
                          const char *key_id,
                          const char *key_version_id,
                          const char *algorithm,
                          const uint8_t *digest,
                          size_t digest_len,
                          uint8_t *out,
                          size_t out_capacity,
                          size_t *out_len);

/// Tells whether a signature is one of a digest. A wrong one is an answer, not an error: look at
/// both the status and *is_valid.
///
/// @param session  who calls
/// @param key_id  a key id, an alias, or the ARN of a key
/// @param key_version_id  the version that signed
/// @param algorithm  as it was signed
/// @param digest,digest_len  KMSHSM_DIGEST_LEN bytes, as they were signed
/// @param signature,signature_len  of any length
/// @param[out] is_valid  1 if the signature is right, else 0; written on KMSHSM_OK only
/// @return as kmshsm_sign
/// @code
/// status = kmshsm_verify(session, signer, version, "ECDSA_SHA_256", hash, KMSHSM_DIGEST_LEN,
///                        signature, signature_len, &is_valid);
/// @endcode
KMSHSM_MUST_USE
kmshsm_status kmshsm_verify(const kmshsm_session *session,
                            const char *key_id,
                            const char *key_version_id,
                            const char *algorithm,
                            const uint8_t *digest,
                            size_t digest_len,
                            const uint8_t *signature,
                            size_t signature_len,
                            int *is_valid);

/// Encrypts a short message with the public half of a key.
///
/// @param session  who calls
/// @param key_id  a key id, an alias, or the ARN of a key; asymmetric, for ENCRYPT/DECRYPT
/// @param key_version_id  the version that encrypts
/// @param algorithm  "RSAES_OAEP_SHA_256" or "RSAES_OAEP_SHA_1" for RSA, "SM2PKE" for EC_SM2
/// @param plaintext,plaintext_len  at most 190 or 214 bytes for RSA_2048, 318 or 342 for RSA_3072,
///         446 or 470 for RSA_4096; 1 to 6047 for EC_SM2
/// @param[out] out,out_capacity,out_len  the ciphertext: of RSA as long as the modulus (256, 384 or
///         512 bytes); of SM2 plaintext_len + KMSHSM_SM2_OVERHEAD, in the form 04 | x | y | C3 | C2
/// @return as kmshsm_sign
/// @code
/// status = kmshsm_asymmetric_encrypt(session, rsa, rsa_version, "RSAES_OAEP_SHA_256",
///                                    text, text_len, out, sizeof out, &out_len);
/// @endcode
KMSHSM_MUST_USE
kmshsm_status kmshsm_asymmetric_encrypt(const kmshsm_session *session,
                                        const char *key_id,
                                        const char *key_version_id,
                                        const char *algorithm,
                                        const uint8_t *plaintext,
                                        size_t plaintext_len,
                                        uint8_t *out,
                                        size_t out_capacity,
                                        size_t *out_len);

/// Decrypts what was encrypted with the public half of a key, here or elsewhere.
///
/// @param session  who calls
/// @param key_id  a key id, an alias, or the ARN of a key
/// @param key_version_id  the version that decrypts
/// @param algorithm  as it was encrypted
/// @param ciphertext,ciphertext_len  of SM2 also in DER (GB/T 35276)
/// @param[out] out,out_capacity,out_len  the plaintext; *out_len tells its length. The size that is
///         asked for is that of the longest it can be, less than ciphertext_len; what lies behind
///         the plaintext may have become zero
/// @return as kmshsm_sign; KMSHSM_ERROR_INVALID_CIPHERTEXT (whose name is InvalidParameter, too)
///         for any ciphertext that does not open
/// @code
/// status = kmshsm_asymmetric_decrypt(session, rsa, rsa_version, "RSAES_OAEP_SHA_256",
///                                    sealed, sealed_len, out, sizeof out, &out_len);
/// @endcode
KMSHSM_MUST_USE
kmshsm_status kmshsm_asymmetric_decrypt(const kmshsm_session *session,
                                        const char *key_id,
                                        const char *key_version_id,
                                        const char *algorithm,
                                        const uint8_t *ciphertext,
                                        size_t ciphertext_len,
                                        uint8_t *out,
                                        size_t out_capacity,
                                        size_t *out_len);

/// Gives the public half of an asymmetric key, in every state but PendingImport.
///
/// @param session  who calls
/// @param key_id  a key id, an alias, or the ARN of a key
/// @param key_version_id  the version
/// @param[out] out,out_capacity,out_len  SubjectPublicKeyInfo (RFC 5280) in PEM (RFC 7468), as the
///         action GetPublicKey: *out_len characters, lines ended by LF, and no NUL behind them;
///         at most KMSHSM_PUBLIC_KEY_PEM_MAX
/// @return KMSHSM_OK, Abi.BufferTooSmall, Forbidden.KeyNotFound,
///         KMSHSM_ERROR_KEY_VERSION_NOT_FOUND, UnsupportedOperation for a symmetric key,
///         Rejected.PendingImport
/// @code
/// status = kmshsm_public_key(session, signer, version, out, sizeof out, &out_len);
/// @endcode
KMSHSM_MUST_USE
kmshsm_status kmshsm_public_key(const kmshsm_session *session,
                                const char *key_id,
                                const char *key_version_id,
                                uint8_t *out,
                                size_t out_capacity,
                                size_t *out_len);

/// @}

/* ---- Messages and digests --------------------------------------------------------------------- */

/// @defgroup digests Messages and digests
/// Signing whole messages, and digests of those that come in pieces.
/// @{

/// Signs a message of any length: what kmshsm_digest_new, _update and _finish and then kmshsm_sign
/// do.
///
/// @param session  who calls
/// @param key_id  as for kmshsm_sign
/// @param key_version_id  as for kmshsm_sign
/// @param algorithm  as for kmshsm_sign
/// @param user_id,user_id_len  the signer's name in Z_A (GB/T 32918.2), 1 to 8191 bytes, for SM2DSA
///         only; NULL with user_id_len 0 is the usual one, "1234567812345678", and the only choice
///         for other algorithms
/// @param message,message_len  hashed inside: SHA-256, for SM2DSA SM3(Z_A | message)
/// @param[out] out,out_capacity,out_len  as of kmshsm_sign
/// @return as kmshsm_sign
/// @code
/// status = kmshsm_sign_message(session, signer, version, "ECDSA_SHA_256", NULL, 0,
///                              text, text_len, signature, sizeof signature, &signature_len);
/// @endcode
KMSHSM_MUST_USE
kmshsm_status kmshsm_sign_message(const kmshsm_session *session,
                                  const char *key_id,
                                  const char *key_version_id,
                                  const char *algorithm,
                                  const uint8_t *user_id,
                                  size_t user_id_len,
                                  const uint8_t *message,
                                  size_t message_len,
                                  uint8_t *out,
                                  size_t out_capacity,
                                  size_t *out_len);

/// Tells whether a signature is one of a message of any length. A wrong one is an answer, not an
/// error: look at both the status and *is_valid.
///
/// @param session  who calls
/// @param key_id  as for kmshsm_verify
/// @param key_version_id  as for kmshsm_sign
/// @param algorithm  as for kmshsm_sign
/// @param user_id,user_id_len  as it was signed; see kmshsm_sign_message
/// @param message,message_len  as it was signed
/// @param signature,signature_len  of any length
/// @param[out] is_valid  as of kmshsm_verify
/// @return as kmshsm_sign
/// @code
/// status = kmshsm_verify_message(session, signer, version, "ECDSA_SHA_256", NULL, 0,
///                                text, text_len, signature, signature_len, &is_valid);
/// @endcode
KMSHSM_MUST_USE
kmshsm_status kmshsm_verify_message(const kmshsm_session *session,
                                    const char *key_id,
                                    const char *key_version_id,
                                    const char *algorithm,
                                    const uint8_t *user_id,
                                    size_t user_id_len,
                                    const uint8_t *message,
                                    size_t message_len,
                                    const uint8_t *signature,
                                    size_t signature_len,
                                    int *is_valid);

/// Begins the digest of a message that comes in pieces, for kmshsm_sign and kmshsm_verify with the
/// same key, version and algorithm. It outlives the session, but not the store.
///
/// @param session  who calls
/// @param key_id  as for kmshsm_sign
/// @param key_version_id  as for kmshsm_sign
/// @param algorithm  as for kmshsm_sign
/// @param user_id,user_id_len  as for kmshsm_sign_message
/// @param[out] out  the digest; end it with kmshsm_digest_free
/// @return as kmshsm_sign
/// @code
/// status = kmshsm_digest_new(session, signer, version, "ECDSA_SHA_256", NULL, 0, &digest);
/// @endcode
KMSHSM_MUST_USE
kmshsm_status kmshsm_digest_new(const kmshsm_session *session,
                                const char *key_id,
                                const char *key_version_id,
                                const char *algorithm,
                                const uint8_t *user_id,
                                size_t user_id_len,
                                const kmshsm_digest **out);

/// Appends the next piece of the message. Pieces that several threads append at once come in some
/// order, each of them whole.
///
/// @param digest  the digest
/// @param data,data_len  of any length
/// @return KMSHSM_OK, Abi.Closed after kmshsm_digest_finish and once the store is closed
/// @code
/// status = kmshsm_digest_update(digest, text, text_len);
/// @endcode
KMSHSM_MUST_USE
kmshsm_status kmshsm_digest_update(const kmshsm_digest *digest,
                                   const uint8_t *data,
                                   size_t data_len);

/// Gives the digest of all pieces, once; from then on the handle answers Abi.Closed, and is only to
/// be freed.
///
/// @param digest  the digest
/// @param[out] out,out_capacity,out_len  KMSHSM_DIGEST_LEN bytes; without room for them the digest
///         goes on
/// @return KMSHSM_OK, Abi.BufferTooSmall, Abi.Closed as kmshsm_digest_update
/// @code
/// status = kmshsm_digest_finish(digest, hash, sizeof hash, &hash_len);
/// @endcode
KMSHSM_MUST_USE
kmshsm_status kmshsm_digest_finish(const kmshsm_digest *digest,
                                   uint8_t *out,
                                   size_t out_capacity,
                                   size_t *out_len);

/// Ends a digest, finished or not. Returns when the calls under way on it have ended. NULL is fine,
/// and so is a handle that has been freed already.
///
/// @param digest  the digest, or NULL
/// @code
/// kmshsm_digest_free(digest);
/// @endcode
void kmshsm_digest_free(const kmshsm_digest *digest);

/// @}

/* ---- From key to key -------------------------------------------------------------------------- */

/// @defgroup transfer From key to key
/// Plaintexts that move to another key and never leave the boundary.
/// @{

/// Decrypts a ciphertext inside and encrypts the plaintext under another symmetric key, or the
/// newest version of the same.
///
/// @param session  who calls
/// @param ciphertext,ciphertext_len  of a symmetric key, or encrypted with a public key
/// @param source_key_id  of what was encrypted with a public key: a key id or ARN. This and the two
///         that follow are all NULL for a symmetric source
/// @param source_key_version_id  the version
/// @param source_encryption_algorithm  "RSAES_OAEP_SHA_256", "RSAES_OAEP_SHA_1" or "SM2PKE"
/// @param source_encryption_context  what was given to encrypt, or NULL
/// @param destination_key_id  a key id or ARN: the symmetric key that encrypts
/// @param destination_encryption_context  a JSON object of strings that must be given again to
///         decrypt, or NULL
/// @param[out] out,out_capacity,out_len  the new ciphertext: ciphertext_len bytes of a symmetric
///         source, otherwise the plaintext's + KMSHSM_CIPHERTEXT_OVERHEAD, for which more may be
///         asked for, but never more than ciphertext_len + KMSHSM_CIPHERTEXT_OVERHEAD
/// @return KMSHSM_OK, Abi.BufferTooSmall, KMSHSM_ERROR_INVALID_CIPHERTEXT (whose name is
///         InvalidParameter, too), Forbidden.KeyNotFound, KMSHSM_ERROR_KEY_VERSION_NOT_FOUND,
///         Unsupported.Alias, Rejected.*, MissingParameter, InvalidParameter, UnsupportedOperation
/// @code
/// status = kmshsm_re_encrypt(session, blob, blob_len, NULL, NULL, NULL, NULL, key, NULL,
///                            out, sizeof out, &out_len);
/// @endcode
KMSHSM_MUST_USE
kmshsm_status kmshsm_re_encrypt(const kmshsm_session *session,
                                const uint8_t *ciphertext,
                                size_t ciphertext_len,
                                const char *source_key_id,
                                const char *source_key_version_id,
                                const char *source_encryption_algorithm,
                                const char *source_encryption_context,
                                const char *destination_key_id,
                                const char *destination_encryption_context,
                                uint8_t *out,
                                size_t out_capacity,
                                size_t *out_len);

/// Decrypts a data key inside and gives it encrypted with a public key.
///
/// @param session  who calls
/// @param ciphertext,ciphertext_len  the data key, of kmshsm_generate_data_key, or bytes of
///         kmshsm_encrypt
/// @param encryption_context  what was given to encrypt, or NULL
/// @param public_key,public_key_len  DER SubjectPublicKeyInfo, not PEM
/// @param wrapping_key_spec  "RSA_2048"; or "EC_SM2", for keys at level HSM in regions of the GM
///         class
/// @param wrapping_algorithm  "RSAES_OAEP_SHA_256" (data keys of at most 190 bytes) or
///         "RSAES_OAEP_SHA_1" (214) for RSA_2048, "SM2PKE" for EC_SM2
/// @param[out] out,out_capacity,out_len  the exported data key: 256 bytes for RSA_2048; for EC_SM2
///         the length of the data key + KMSHSM_SM2_OVERHEAD
/// @return KMSHSM_OK, Abi.BufferTooSmall, KMSHSM_ERROR_INVALID_CIPHERTEXT (whose name is
///         InvalidParameter, too), Forbidden.KeyNotFound, Rejected.*, InvalidParameter
/// @code
/// status = kmshsm_export_data_key(session, blob, blob_len, NULL, public_key, public_key_len,
///                                 "RSA_2048", "RSAES_OAEP_SHA_256", out, sizeof out, &out_len);
/// @endcode
KMSHSM_MUST_USE
kmshsm_status kmshsm_export_data_key(const kmshsm_session *session,
                                     const uint8_t *ciphertext,
                                     size_t ciphertext_len,
                                     const char *encryption_context,
                                     const uint8_t *public_key,
                                     size_t public_key_len,
                                     const char *wrapping_key_spec,
                                     const char *wrapping_algorithm,
                                     uint8_t *out,
                                     size_t out_capacity,
                                     size_t *out_len);

/// Makes a data key and gives it encrypted twice: under the key, to be kept beside the data and
/// given to kmshsm_decrypt later, and with a public key.
///
/// @param session  who calls
/// @param key_id  a key id, an alias, or the ARN of a key, of a symmetric key
/// @param number_of_bytes  1 to KMSHSM_DATA_KEY_MAX, and no more than the wrapping takes
/// @param encryption_context  as for kmshsm_generate_data_key
/// @param public_key,public_key_len  as for kmshsm_export_data_key
/// @param wrapping_key_spec  as for kmshsm_export_data_key
/// @param wrapping_algorithm  as for kmshsm_export_data_key
/// @param[out] ciphertext,ciphertext_capacity,ciphertext_len  number_of_bytes +
///         KMSHSM_CIPHERTEXT_OVERHEAD
/// @param[out] exported,exported_capacity,exported_len  as out of kmshsm_export_data_key
/// @return as kmshsm_export_data_key; UnsupportedOperation for an asymmetric key
/// @code
/// status = kmshsm_generate_and_export_data_key(session, key, 32, NULL, public_key, public_key_len,
///                                              "RSA_2048", "RSAES_OAEP_SHA_256",
///                                              blob, sizeof blob, &blob_len,
///                                              out, sizeof out, &out_len);
/// @endcode
KMSHSM_MUST_USE
kmshsm_status kmshsm_generate_and_export_data_key(const kmshsm_session *session,
                                                  const char *key_id,
                                                  size_t number_of_bytes,
                                                  const char *encryption_context,
                                                  const uint8_t *public_key,
                                                  size_t public_key_len,
                                                  const char *wrapping_key_spec,
                                                  const char *wrapping_algorithm,
                                                  uint8_t *ciphertext,
                                                  size_t ciphertext_capacity,
                                                  size_t *ciphertext_len,
                                                  uint8_t *exported,
                                                  size_t exported_capacity,
                                                  size_t *exported_len);

/// @}

/* ---- Import ----------------------------------------------------------------------------------- */

/// @defgroup import Import
/// Bring your own key: a public key and a token come out, wrapped material goes in.
/// @{

/// Room for the public key of any wrapping key pair, in bytes.
#define KMSHSM_IMPORT_PUBLIC_KEY_MAX 512

/// The length of an import token, in bytes.
#define KMSHSM_IMPORT_TOKEN_LEN 57

/// Makes a key pair that wraps material for one EXTERNAL key, and a token; both are good for 24
/// hours and for that key only.
///
/// @param session  who calls
/// @param key_id  a key id or ARN
/// @param wrapping_key_spec  "RSA_2048"; at level HSM in regions of the GM class also "EC_SM2"
/// @param wrapping_algorithm  "RSAES_OAEP_SHA_256", "RSAES_OAEP_SHA_1", "RSAES_PKCS1_V1_5", or
///         "SM2PKE" under EC_SM2; for private keys "RSAES_OAEP_SHA_256_AES_256_ECB_PKCS7_PAD", or
///         "SM2PKE_SM4_ECB"
/// @param[out] public_key,public_key_capacity,public_key_len  DER SubjectPublicKeyInfo; give room
///         for KMSHSM_IMPORT_PUBLIC_KEY_MAX
/// @param[out] import_token,import_token_capacity,import_token_len  KMSHSM_IMPORT_TOKEN_LEN bytes
/// @param[out] token_expire_unix  when both expire, in Unix seconds; may be NULL
/// @return KMSHSM_OK, Abi.BufferTooSmall before any work, Unsupported.Origin,
///         Forbidden.KeyNotFound, InvalidParameter
/// @code
/// status = kmshsm_parameters_for_import(session, external, "RSA_2048", "RSAES_OAEP_SHA_256",
///                                       public_key, sizeof public_key, &public_key_len,
///                                       token, sizeof token, &token_len, NULL);
/// @endcode
KMSHSM_MUST_USE
kmshsm_status kmshsm_parameters_for_import(const kmshsm_session *session,
                                           const char *key_id,
                                           const char *wrapping_key_spec,
                                           const char *wrapping_algorithm,
                                           uint8_t *public_key,
                                           size_t public_key_capacity,
                                           size_t *public_key_len,
                                           uint8_t *import_token,
                                           size_t import_token_capacity,
                                           size_t *import_token_len,
                                           uint64_t *token_expire_unix);

/// Imports wrapped material into an EXTERNAL key, which is enabled by that if it waited for it.
///
/// @param session  who calls
/// @param key_id  the key that the token was issued for
/// @param encrypted_material,encrypted_material_len  the material, wrapped with the public key that
///         came with the token
/// @param import_token,import_token_len  the token of kmshsm_parameters_for_import
/// @param material_expire_unix  when the material is destroyed, in Unix seconds; 0: never
/// @return KMSHSM_OK, InvalidKeyMaterial whatever is wrong with the material, InvalidImportToken,
///         ExpiredImportToken, Unsupported.Origin, Rejected.StateModifiedFailed, InvalidParameter
/// @code
/// status = kmshsm_import_key_material(session, external, wrapped, wrapped_len,
///                                     token, token_len, 0);
/// @endcode
KMSHSM_MUST_USE
kmshsm_status kmshsm_import_key_material(const kmshsm_session *session,
                                         const char *key_id,
                                         const uint8_t *encrypted_material,
                                         size_t encrypted_material_len,
                                         const uint8_t *import_token,
                                         size_t import_token_len,
                                         uint64_t material_expire_unix);

/// How much longer wrapped key material is than the material at most, in bytes.
#define KMSHSM_WRAPPING_OVERHEAD 272

/// Wraps key material for kmshsm_import_key_material, on the side of its owner: with the public key
/// of kmshsm_parameters_for_import alone, without a store or session. It may be the first call of a
/// process.
///
/// @param algorithm  the wrapping algorithm that the public key was made for: "RSAES_OAEP_SHA_256",
///         "RSAES_OAEP_SHA_1", "RSAES_PKCS1_V1_5" and "SM2PKE" for the 16, 24 or 32 bytes of a
///         symmetric key; "RSAES_OAEP_SHA_256_AES_256_ECB_PKCS7_PAD" for a private key in PKCS #8,
///         DER or PEM; "SM2PKE_SM4_ECB" for the 32 bytes d of a private key of SM2, or the key in
///         PKCS #8
/// @param public_key,public_key_len  DER SubjectPublicKeyInfo, not PEM
/// @param material,material_len  the key; the caller wipes it after use
/// @param[out] out,out_capacity,out_len  the wrapped material: of RSA 256 bytes; of SM2 97 more
///         than the material; of the two last ones 256 and the material padded to blocks of 16, and
///         145; never more than material_len + KMSHSM_WRAPPING_OVERHEAD
/// @return KMSHSM_OK, Abi.BufferTooSmall, InvalidParameter
/// @code
/// status = kmshsm_wrap_key_material("RSAES_OAEP_SHA_256", public_key, public_key_len,
///                                   material, material_len, out, sizeof out, &out_len);
/// @endcode
KMSHSM_MUST_USE
kmshsm_status kmshsm_wrap_key_material(const char *algorithm,
                                       const uint8_t *public_key,
                                       size_t public_key_len,
                                       const uint8_t *material,
                                       size_t material_len,
                                       uint8_t *out,
                                       size_t out_capacity,
                                       size_t *out_len);

/// @}

/* ---- Operations on a store -------------------------------------------------------------------- */

/// @defgroup operations Operations on a store
/// Secrets that open it, the keys behind them, its integrity, backups.
/// @{

/// Does an operation on a store as a whole: for whoever has it open, or has a backup and what opens
/// that. No policy speaks of these, and what they change is in the audit trail.
///
/// Each is listed with its parameters and, behind "->", its answer. What is in parentheses may be
/// absent; Path, Place and Directory are paths on this machine.
///
/// SECRET is one of Passphrase, a text; KeyFile, 32 bytes in Base64; or Threshold and Count, 2 <=
/// Threshold <= Count <= 16: fresh Shares, which are answered, each a text of 33 words, and are
/// nowhere else.
///
/// OPENS is one of Shares, a list of the words of at least as many as are needed, of which the
/// first four letters will do; PrivateKey, a recipient's in PKCS #8, PEM; or BackupKey, 32 bytes in
/// Base64.
///
/// - ListUnlockSlots {}: -> Slots, a list of {Number, Kind: Passphrase, MemoryKib, Passes, Lanes},
///   {Number, Kind: KeyFile}, {Number, Kind: Shares, Threshold, Count}
/// - AddUnlockSlot {SECRET}: one more secret opens the store -> Slot, Shares. 256 slots at most
/// - ReplaceUnlockSlot {Slot, SECRET}: another secret in place of that one -> Slot, Shares
/// - RemoveUnlockSlot {Slot}: -> Slot. The last one stays
/// - RekeyRoot {SECRET}: a new root key, and only SECRET opens the store -> Slot, Shares. Others
///   that have it open must open it again: changes answer them Store.Rekeyed
/// - RotateDomainKey {}: -> DomainKey, the number of the new key that records are sealed under;
///   kmshsm_tick brings the old ones along
/// - VerifyStore {}: reads all of the store -> Records, Keys, Events, Generation, Lineage,
///   Complete, Found, and Findings, a list of {What, Where, Key}. That something is wrong is no
///   error
/// - AcceptRollback {}: takes a suspect store as it is -> Accepted: whether it was suspect
/// - CreateBackup {Path, (Recipients), (Threshold, Shares), (Custodians), (IncludeImported)}: a
///   file that is not there yet. Recipients: public keys, a list of PEM, RSA of 2048 to 4096 bits
///   or SM2; Threshold of so many Shares; one of them or both. Custodians: a public key for each
///   share, that it is encrypted to. IncludeImported: true takes keys of origin EXTERNAL along ->
///   Manifest, Shares or SealedShares, a list of {Custodian, Ciphertext}
/// - RestoreKeys {Path, OPENS, (PublicKey), (KeyIds)}: keys of a backup, all or those of a list,
///   into this store. PublicKey: of the store that must have signed it, as kmshsm_audit_key gives
///   it -> Taken, an object of numbers, and LeftOut, a list of {KeyId, Alias, Reason}
/// - ImportSoftHsmToken {Account, Region, Directory, Pin, (ProtectionLevel), (KeyUsage), (DryRun)}:
///   keys of a token of SoftHSM 2 -> TokenLabel, TokenSerial, Taken, a list of {Label, Id, KeyId,
///   KeySpec, KeyUsage, Alias}, and Refused, a list of {Label, Id, Why}
/// - VerifyBackup * {Path, (PublicKey), (OPENS)}: with OPENS every record is opened -> Manifest,
///   KeyFingerprint, Opened
/// - RestoreStore * {Path, Place, Passphrase or KeyFile, OPENS, (PublicKey), (Newer, NewerShares,
///   NewerPrivateKey or NewerBackupKey)}: makes a store of a backup. What a Newer one knows to be
///   destroyed stays so -> Taken, LeftOut
///
/// @param store  NULL for the operations marked *, which need no open store
/// @param operation  the name
/// @param parameters  a JSON object of these members and no others, or NULL for none; the caller
///         wipes it
/// @param[out] answer  JSON, to be freed with kmshsm_string_free, which wipes it; written on
///         success only
/// @return KMSHSM_OK, InvalidAction.NotFound, MissingParameter, InvalidParameter,
///         ParseRequestParameterException, Shares.Invalid, Rejected.LimitExceeded, Store.*,
///         Backup.*, Token.Failed
/// @code
/// status = kmshsm_operate(store, "AddUnlockSlot", "{\"Threshold\": 2, \"Count\": 3}", &answer);
/// @endcode
KMSHSM_MUST_USE
kmshsm_status kmshsm_operate(const kmshsm_store *store,
                             const char *operation,
                             const char *parameters,
                             char **answer);

/// @}

/* ---- Audit trail ------------------------------------------------------------------------------ */

/// @defgroup audit Audit trail
/// Written down, exported, verified.
/// @{

/// Writes down the calls and events that wait in the memory of this process. The library does so by
/// itself within a second, and when the store is closed.
///
/// @param store  the store
/// @return KMSHSM_OK, Store.*
/// @code
/// status = kmshsm_flush(store);
/// @endcode
KMSHSM_MUST_USE
kmshsm_status kmshsm_flush(const kmshsm_store *store);

/// Exports the whole audit trail of a store, of all its accounts, as lines of JSON that anybody can
/// verify who has the public key. What waits in memory is written down first, and the end is
/// signed.
///
/// @param store  the store
/// @param path  of the new file, of mode 0600
/// @param[out] answer  JSON, to be freed with kmshsm_string_free: {"Head": "SEQUENCE:HASH",
///         "Events": 17}. Who keeps the head sees in a later trail whether its end was cut off
/// @return KMSHSM_OK, InvalidParameter if there is such a file, Audit.Damaged, Store.*
/// @code
/// status = kmshsm_audit_export(store, path, &answer);
/// @endcode
KMSHSM_MUST_USE
kmshsm_status kmshsm_audit_export(const kmshsm_store *store,
                                  const char *path,
                                  char **answer);

/// Verifies an exported audit trail: each event is as it was signed, and follows the one before it.
/// No store is needed.
///
/// @param path  of the file
/// @param public_key  the store's, in PEM; or NULL for the one in the trail: then compare
///         "KeyFingerprint", or anybody may have written all of it
/// @param head  the "Head" of an earlier answer, which the trail must still have; or NULL
/// @param[out] answer  JSON, to be freed with kmshsm_string_free: "Store", "Events", "First",
///         "Head", "Checkpoints", "SignedAt", "Algorithm", "KeyFingerprint", "IsKeyTrusted",
///         and "TestOnly": true of a store with a seed
/// @return KMSHSM_OK, Audit.Damaged, InvalidParameter
/// @code
/// status = kmshsm_audit_verify(path, NULL, NULL, &answer);
/// @endcode
KMSHSM_MUST_USE
kmshsm_status kmshsm_audit_verify(const char *path,
                                  const char *public_key,
                                  const char *head,
                                  char **answer);

/// The public key that verifies the audit trail of a store. Keep it where the store is not.
///
/// @param store  the store
/// @param[out] pem  SubjectPublicKeyInfo in PEM, to be freed with kmshsm_string_free
/// @return KMSHSM_OK, Store.*
/// @code
/// status = kmshsm_audit_key(store, &answer);
/// @endcode
KMSHSM_MUST_USE
kmshsm_status kmshsm_audit_key(const kmshsm_store *store,
                               char **pem);

/// @}

/* ---- The module ------------------------------------------------------------------------------- */

/// @defgroup module The module
/// Its memory, its state, its tests; its version and what it has.
/// @{

/// Sets how many bytes of locked memory keys may take in this process, before the first store is
/// created or opened. Of more keys in use than fit, those that are not needed at the moment are
/// wiped, and unsealed again when they are. The default, 4 MiB, fits an RLIMIT_MEMLOCK of 8 MiB;
/// where less may be locked there is less, as "size" of kmshsm_module_status says. A child of a
/// fork keeps what its parent has set.
///
/// @param bytes  65536 to 1073741824; two guard pages are taken from it
/// @return KMSHSM_OK, InvalidParameter, also after the first kmshsm_create, kmshsm_open (even in
///         vain), kmshsm_self_test or kmshsm_wrap_key_material
/// @code
/// status = kmshsm_set_key_memory(8 << 20);
/// @endcode
KMSHSM_MUST_USE
kmshsm_status kmshsm_set_key_memory(size_t bytes);

/// Reports how the module stands and how well this process protects keys. Works in the error state,
/// too.
///
/// - "version": as kmshsm_version.
/// - "state": operational; error; closed, after kmshsm_zeroize. "failure": the reason of the error
///   state, or null. "validated": false.
/// - "hsm_keys": usable, overridden or refused. "allows_unprotected_memory": as the store was
///   opened.
/// - "store": writable; degraded, after a failure to write; read-only.
/// - "rollback": none, if nothing is known of the past; anchored; suspect, if it has gone back and
///   takes no changes.
/// - "anchor": none; new; found; damaged; failed, if it cannot be written, and the store takes no
///   changes.
/// - "generation": how often the store has been changed.
/// - "shred": pending, if what was destroyed could still be read in old copies of the store; done;
///   absent if the store cannot be read.
/// - "test_only": true, of a store with a seed.
/// - "memory": each protection ("secret_stack" and "provider_heap" among them), and "reasons" for
///   what is missing, each with the step, the system's answer and a hint.
///
/// @param store  the store
/// @param[out] answer  JSON, to be freed with kmshsm_string_free
/// @return KMSHSM_OK
/// @code
/// status = kmshsm_module_status(store, &answer);
/// @endcode
KMSHSM_MUST_USE
kmshsm_status kmshsm_module_status(const kmshsm_store *store,
                                   char **answer);

/// Runs every self-test: a known answer for each algorithm, and the integrity of this library, if
/// its HMAC stands in a file beside it. The tests also run by themselves, before an algorithm is
/// first used and when a store is opened after a failure.
///
/// If one fails, every store that is open answers Module.ErrorState from then on. Works in the
/// error state, too.
///
/// The report is {"passed": true, "tests": [{"name": "aes-128", "kind": "known answer", "result":
/// "passed"}, ...], "integrity": {"result": "not available", "file": "/usr/lib/libkmshsm.so.0"}}. A
/// "result" is passed or failed; of "integrity" also not available, if no .FILE.hmac stands beside
/// the file.
///
/// @param[out] answer  the report in JSON, to be freed with kmshsm_string_free; written also when a
///         test has failed, as no other function does
/// @return KMSHSM_OK, Module.ErrorState if a test has failed
/// @code
/// status = kmshsm_self_test(&answer);
/// @endcode
KMSHSM_MUST_USE
kmshsm_status kmshsm_self_test(char **answer);

/// Closes every open store of this process and wipes its keys, the states of the generators and the
/// secret stacks; AWS-LC's own generators stay. The handles of stores and sessions answer
/// Abi.Closed from then on; free them, too. Returns when the calls under way have let go of all
/// keys. Stores can be opened afterwards; one that another thread is opening meanwhile may stay
/// open. A child of a fork leaves its parent's stores alone.
///
/// @return KMSHSM_OK
/// @code
/// status = kmshsm_zeroize();
/// @endcode
KMSHSM_MUST_USE
kmshsm_status kmshsm_zeroize(void);

/// The version of this header: major * 1000000 + minor * 1000 + patch.
#define KMSHSM_VERSION_NUMBER 1000

/// The version of the library, such as "0.1.0". That of a test build, whose self-tests can be
/// broken, ends in "+testing".
///
/// @return a constant string.
/// @code
/// printf("libkmshsm %s\n", kmshsm_version());
/// @endcode
const char *kmshsm_version(void);

/// The version of the library as a number, to be compared with KMSHSM_VERSION_NUMBER, that of the
/// header that a program was compiled with.
///
/// @return major * 1000000 + minor * 1000 + patch
/// @code
/// is_older = kmshsm_version_number() < KMSHSM_VERSION_NUMBER;
/// @endcode
uint32_t kmshsm_version_number(void);

/// Whether this build of the library has something: an action of the KMS API ("CreateKey"), an
/// operation on stores ("CreateBackup"), a key spec ("Aliyun_SM4"), an algorithm of signing,
/// encryption or wrapping ("SM2DSA"), a region ("cn-hongkong"), the rules of a class of hardware
/// ("FIPS", "GM"), a provider of AES, RSA and the like ("awslc" or "portable", one of them), or the
/// switches of a test build ("testing"). Which region offers what is another question: the action
/// DescribeRegions answers it.
///
/// @param name  spelled as the API does; NULL is nothing
/// @return 1 if it is there, else 0, also for names that nobody knows
/// @code
/// has_sm4 = kmshsm_feature("Aliyun_SM4");
/// @endcode
int kmshsm_feature(const char *name);

/// @}

#ifdef __cplusplus
}
#endif

#endif
