/**
 * @file
 * The C++17 interface of libkmshsm: kmshsm.h with owners, exceptions and
 * containers.
 *
 * @code
 * kmshsm::store store("memory:");
 * auto session = store.session("111122223333", "cn-hongkong");
 * auto answer = session.call("CreateKey");
 * @endcode
 *
 * There is nothing but headers; what they define is compiled into the program,
 * which is linked with libkmshsm. The contract is that of kmshsm.h, and each
 * function here does what the one of its name does there.
 *
 * @par Failures
 * They are exceptions, kmshsm::error: constructors cannot answer a status, and
 * a status that nobody looks at is a ciphertext that nobody has. A signature
 * that does not hold is no failure but false. Destructors never throw.
 *
 * @par Owners
 * store, session and digest end their handle when they are destroyed, and can
 * be moved but not copied. One that was moved from, or ended by close(), is
 * safe: its functions throw Abi.NullArgument or Abi.Closed. An object may be
 * used by several threads at once, but while it is assigned to, moved from or
 * destroyed.
 *
 * @par Secrets
 * Plaintexts come as vectors, answers in JSON as strings; wipe() is for those
 * that are secret, as the answers that have shares, access keys or plaintexts.
 * A data_key wipes its own.
 */
#ifndef KMSHSM_HPP
#define KMSHSM_HPP

#include <kmshsm/session.hpp>

namespace kmshsm
{

/// Where keys are.
class store
{
public:
  /// Takes over a handle of kmshsm_open() or kmshsm_open_with().
  explicit store(const kmshsm_store *handle) noexcept : handle_(handle)
  {
  }

  /// Opens one; flags is 0 or KMSHSM_ALLOW_UNPROTECTED_MEMORY.
  explicit store(text place, const unlock &with = unlock::none(),
                 std::uint32_t flags = 0)
      : handle_(open(place, with, flags))
  {
  }

  /// Opens one with options in JSON: see kmshsm_open_with().
  store(text place, const unlock &with, text options)
      : handle_(open(place, with, options))
  {
  }

  /// Makes one in a directory that is empty or not there.
  static void create(text place, const unlock &with)
  {
    detail::check(kmshsm_create(place.c_str(), with.kind, with.secret.data(),
                                with.secret.size()));
  }

  /// Makes one with options in JSON: see kmshsm_create_with().
  static void create(text place, const unlock &with, text options)
  {
    detail::check(kmshsm_create_with(place.c_str(), with.kind,
                                     with.secret.data(), with.secret.size(),
                                     options.c_str()));
  }

  /// Opens a session of an account's root.
  kmshsm::session session(text account, text region) const
  {
    const kmshsm_session *handle = nullptr;
    detail::check(
        kmshsm_session_open(get(), account.c_str(), region.c_str(), &handle));
    return kmshsm::session(handle);
  }

  /// Opens a session for anybody: see kmshsm_session_open_with().
  kmshsm::session login(text login, bytes secret = {}) const
  {
    const kmshsm_session *handle = nullptr;
    detail::check(kmshsm_session_open_with(get(), login.c_str(), secret.data(),
                                           secret.size(), &handle));
    return kmshsm::session(handle);
  }

  /// Does all that is due: JSON.
  std::string tick() const
  {
    return detail::answer_of(
        [&](char **answer) { return kmshsm_tick(get(), answer); });
  }

  /// Does an operation on the store as a whole: JSON.
  std::string operate(text operation, text parameters = nullptr) const
  {
    return detail::answer_of([&](char **answer) {
      return kmshsm_operate(get(), operation.c_str(), parameters.c_str(),
                            answer);
    });
  }

  /// Writes down what waits in memory.
  void flush() const
  {
    detail::check(kmshsm_flush(get()));
  }

  /// Exports the audit trail into a new file: JSON.
  std::string audit_export(text path) const
  {
    return detail::answer_of([&](char **answer) {
      return kmshsm_audit_export(get(), path.c_str(), answer);
    });
  }

  /// The public key that verifies the audit trail, in PEM.
  std::string audit_key() const
  {
    return detail::answer_of(
        [&](char **answer) { return kmshsm_audit_key(get(), answer); });
  }

  /// How the module stands: JSON.
  std::string module_status() const
  {
    return detail::answer_of(
        [&](char **answer) { return kmshsm_module_status(get(), answer); });
  }

  /// Closes it and wipes its keys. Waits for calls under way.
  void close() const noexcept
  {
    handle_.close();
  }

  /// The handle, for functions of C; it stays this object's.
  const kmshsm_store *get() const noexcept
  {
    return handle_.get();
  }

private:
  static const kmshsm_store *open(text place, const unlock &with,
                                  std::uint32_t flags)
  {
    const kmshsm_store *handle = nullptr;
    detail::check(kmshsm_open(place.c_str(), with.kind, with.secret.data(),
                              with.secret.size(), flags, &handle));
    return handle;
  }

  static const kmshsm_store *open(text place, const unlock &with, text options)
  {
    const kmshsm_store *handle = nullptr;
    detail::check(kmshsm_open_with(place.c_str(), with.kind,
                                   with.secret.data(), with.secret.size(),
                                   options.c_str(), &handle));
    return handle;
  }

  detail::owner<kmshsm_store, kmshsm_close> handle_;
};

/// Does an operation that needs no open store, such as "VerifyBackup": JSON.
inline std::string operate(text operation, text parameters = nullptr)
{
  return detail::answer_of([&](char **answer) {
    return kmshsm_operate(nullptr, operation.c_str(), parameters.c_str(),
                          answer);
  });
}

/// Verifies an exported audit trail: JSON. Without a public key it is the
/// trail's own.
inline std::string audit_verify(text path, text public_key = nullptr,
                                text head = nullptr)
{
  return detail::answer_of([&](char **answer) {
    return kmshsm_audit_verify(path.c_str(), public_key.c_str(), head.c_str(),
                               answer);
  });
}

/// Wraps key material for session::import_key_material(), without a store.
inline std::vector<std::uint8_t>
wrap_key_material(text algorithm, bytes public_key, bytes material)
{
  return detail::output_of(material.size() + KMSHSM_WRAPPING_OVERHEAD,
                           [&](auto *out, auto capacity, auto *len) {
                             return kmshsm_wrap_key_material(
                                 algorithm.c_str(), public_key.data(),
                                 public_key.size(), material.data(),
                                 material.size(), out, capacity, len);
                           });
}

/// Runs every self-test. That one has failed is no exception here.
inline self_test_report self_test()
{
  char *answer = nullptr;
  kmshsm_status status = kmshsm_self_test(&answer);
  std::unique_ptr<char, void (*)(char *)> owned(answer, kmshsm_string_free);
  if(!answer)
    throw error(status);
  return {status == KMSHSM_OK, answer};
}

/// How many bytes of locked memory keys may take, before the first store is
/// opened.
inline void set_key_memory(std::size_t bytes)
{
  detail::check(kmshsm_set_key_memory(bytes));
}

/// Closes every open store of this process and wipes its keys.
inline void zeroize()
{
  detail::check(kmshsm_zeroize());
}

/// What the standards say of this thread's last call on a session.
inline indicator last_indicator() noexcept
{
  return static_cast<indicator>(kmshsm_last_indicator());
}

/// The version of the library, such as "0.1.0".
inline const char *version() noexcept
{
  return kmshsm_version();
}

/// The same as a number, to be compared with KMSHSM_VERSION_NUMBER.
inline std::uint32_t version_number() noexcept
{
  return kmshsm_version_number();
}

/// Whether this build of the library has something: see kmshsm_feature().
inline bool has(text feature) noexcept
{
  return kmshsm_feature(feature.c_str()) == 1;
}

} // namespace kmshsm

#endif
