/**
 * @file
 * Sessions and digests of kmshsm.hpp.
 */
#ifndef KMSHSM_SESSION_HPP
#define KMSHSM_SESSION_HPP

#include <algorithm>

#include <kmshsm/detail.hpp>

namespace kmshsm
{

/// The digest of a message that comes in pieces: session::digest() begins it.
class digest
{
public:
  /// Takes over a handle of kmshsm_digest_new().
  explicit digest(const kmshsm_digest *handle) noexcept : handle_(handle)
  {
  }

  /// Appends a piece.
  void update(bytes data)
  {
    detail::check(kmshsm_digest_update(get(), data.data(), data.size()));
  }

  /// The digest of all pieces, KMSHSM_DIGEST_LEN bytes, once: for
  /// session::sign() and verify().
  std::vector<std::uint8_t> finish()
  {
    return detail::output_of(
        KMSHSM_DIGEST_LEN, [&](auto *out, auto capacity, auto *len) {
          return kmshsm_digest_finish(get(), out, capacity, len);
        });
  }

  /// Ends it, finished or not.
  void close() const noexcept
  {
    handle_.close();
  }

  /// The handle, for functions of C; it stays this object's.
  const kmshsm_digest *get() const noexcept
  {
    return handle_.get();
  }

private:
  detail::owner<kmshsm_digest, kmshsm_digest_free> handle_;
};

/// Who calls: store::session() and store::login() open it. A key is named by
/// its id, an alias or its ARN; an encryption context is a JSON object of
/// strings, or none.
class session
{
  using octets = std::vector<std::uint8_t>;

public:
  /// Takes over a handle of kmshsm_session_open() or
  /// kmshsm_session_open_with().
  explicit session(const kmshsm_session *handle) noexcept : handle_(handle)
  {
  }

  /// Does any action of the KMS API: the answer's JSON.
  std::string call(text action, text parameters = nullptr) const
  {
    return detail::answer_of([&](char **answer) {
      return kmshsm_call(get(), action.c_str(), parameters.c_str(), answer);
    });
  }

  /// Encrypts at most KMSHSM_PLAINTEXT_MAX bytes under a symmetric key.
  octets encrypt(text key_id, bytes plaintext, text context = nullptr) const
  {
    return output(plaintext.size() + KMSHSM_CIPHERTEXT_OVERHEAD,
                  [&](auto *out, auto capacity, auto *len) {
                    return kmshsm_encrypt(get(), key_id.c_str(),
                                          plaintext.data(), plaintext.size(),
                                          context.c_str(), out, capacity, len);
                  });
  }

  /// Decrypts what encrypt() or generate_data_key() made.
  octets decrypt(bytes ciphertext, text context = nullptr) const
  {
    return output(ciphertext.size(), [&](auto *out, auto capacity, auto *len) {
      return kmshsm_decrypt(get(), ciphertext.data(), ciphertext.size(),
                            context.c_str(), out, capacity, len);
    });
  }

  /// Makes a data key of 1 to KMSHSM_DATA_KEY_MAX bytes.
  data_key generate_data_key(text key_id, std::size_t number_of_bytes,
                             text context = nullptr) const
  {
    data_key made(octets(room(number_of_bytes)),
                  octets(room(number_of_bytes) + KMSHSM_CIPHERTEXT_OVERHEAD));
    std::size_t plaintext_len = 0, ciphertext_len = 0;
    detail::check(kmshsm_generate_data_key(
        get(), key_id.c_str(), number_of_bytes, context.c_str(),
        made.plaintext.data(), made.plaintext.size(), &plaintext_len,
        made.ciphertext.data(), made.ciphertext.size(), &ciphertext_len));
    made.plaintext.resize(plaintext_len);
    made.ciphertext.resize(ciphertext_len);
    return made;
  }

  /// Makes a data key and gives its ciphertext only.
  octets generate_data_key_without_plaintext(text key_id,
                                             std::size_t number_of_bytes,
                                             text context = nullptr) const
  {
    return output(room(number_of_bytes) + KMSHSM_CIPHERTEXT_OVERHEAD,
                  [&](auto *out, auto capacity, auto *len) {
                    return kmshsm_generate_data_key_without_plaintext(
                        get(), key_id.c_str(), number_of_bytes,
                        context.c_str(), out, capacity, len);
                  });
  }

  /// Draws 1 to KMSHSM_RANDOM_MAX random bytes.
  octets random(std::size_t number_of_bytes) const
  {
    return output(
        room(number_of_bytes), [&](auto *out, auto capacity, auto *len) {
          return kmshsm_random(get(), number_of_bytes, out, capacity, len);
        });
  }

  /// Signs a digest of KMSHSM_DIGEST_LEN bytes.
  octets sign(text key_id, text version, text algorithm, bytes digest) const
  {
    return output(KMSHSM_SIGNATURE_MAX,
                  [&](auto *out, auto capacity, auto *len) {
                    return kmshsm_sign(get(), key_id.c_str(), version.c_str(),
                                       algorithm.c_str(), digest.data(),
                                       digest.size(), out, capacity, len);
                  });
  }

  /// Whether a signature is one of a digest.
  [[nodiscard]] bool verify(text key_id, text version, text algorithm,
                            bytes digest, bytes signature) const
  {
    int is_valid = 0;
    detail::check(kmshsm_verify(get(), key_id.c_str(), version.c_str(),
                                algorithm.c_str(), digest.data(),
                                digest.size(), signature.data(),
                                signature.size(), &is_valid));
    return is_valid == 1;
  }

  /// Encrypts a short message with the public half of a key.
  octets asymmetric_encrypt(text key_id, text version, text algorithm,
                            bytes plaintext) const
  {
    return output(
        std::max<std::size_t>(KMSHSM_RSA_CIPHERTEXT_MAX,
                              plaintext.size() + KMSHSM_SM2_OVERHEAD),
        [&](auto *out, auto capacity, auto *len) {
          return kmshsm_asymmetric_encrypt(
              get(), key_id.c_str(), version.c_str(), algorithm.c_str(),
              plaintext.data(), plaintext.size(), out, capacity, len);
        });
  }

  /// Decrypts what was encrypted with the public half of a key.
  octets asymmetric_decrypt(text key_id, text version, text algorithm,
                            bytes ciphertext) const
  {
    return output(ciphertext.size(), [&](auto *out, auto capacity, auto *len) {
      return kmshsm_asymmetric_decrypt(get(), key_id.c_str(), version.c_str(),
                                       algorithm.c_str(), ciphertext.data(),
                                       ciphertext.size(), out, capacity, len);
    });
  }

  /// The public half of a key, in PEM.
  std::string public_key(text key_id, text version) const
  {
    octets pem = output(
        KMSHSM_PUBLIC_KEY_PEM_MAX, [&](auto *out, auto capacity, auto *len) {
          return kmshsm_public_key(get(), key_id.c_str(), version.c_str(), out,
                                   capacity, len);
        });
    return std::string(pem.begin(), pem.end());
  }

  /// Signs a message of any length. user_id is for SM2DSA; none is the usual
  /// one.
  octets sign_message(text key_id, text version, text algorithm, bytes message,
                      bytes user_id = {}) const
  {
    return output(
        KMSHSM_SIGNATURE_MAX, [&](auto *out, auto capacity, auto *len) {
          return kmshsm_sign_message(get(), key_id.c_str(), version.c_str(),
                                     algorithm.c_str(), user_id.data(),
                                     user_id.size(), message.data(),
                                     message.size(), out, capacity, len);
        });
  }

  /// Whether a signature is one of a message.
  [[nodiscard]] bool verify_message(text key_id, text version, text algorithm,
                                    bytes message, bytes signature,
                                    bytes user_id = {}) const
  {
    int is_valid = 0;
    detail::check(kmshsm_verify_message(
        get(), key_id.c_str(), version.c_str(), algorithm.c_str(),
        user_id.data(), user_id.size(), message.data(), message.size(),
        signature.data(), signature.size(), &is_valid));
    return is_valid == 1;
  }

  /// Begins the digest of a message that comes in pieces.
  kmshsm::digest digest(text key_id, text version, text algorithm,
                        bytes user_id = {}) const
  {
    const kmshsm_digest *handle = nullptr;
    detail::check(kmshsm_digest_new(get(), key_id.c_str(), version.c_str(),
                                    algorithm.c_str(), user_id.data(),
                                    user_id.size(), &handle));
    return kmshsm::digest(handle);
  }

  /// Moves a ciphertext of a symmetric key to another one, inside.
  octets re_encrypt(bytes ciphertext, text context, text destination_key_id,
                    text destination_context = nullptr) const
  {
    return re_encrypt(ciphertext, nullptr, nullptr, nullptr, context,
                      destination_key_id, destination_context);
  }

  /// Moves what was encrypted with the public half of a key to a symmetric
  /// one, inside.
  octets re_encrypt(bytes ciphertext, text source_key_id, text source_version,
                    text source_algorithm, text source_context,
                    text destination_key_id, text destination_context) const
  {
    return output(ciphertext.size() + KMSHSM_CIPHERTEXT_OVERHEAD,
                  [&](auto *out, auto capacity, auto *len) {
                    return kmshsm_re_encrypt(
                        get(), ciphertext.data(), ciphertext.size(),
                        source_key_id.c_str(), source_version.c_str(),
                        source_algorithm.c_str(), source_context.c_str(),
                        destination_key_id.c_str(),
                        destination_context.c_str(), out, capacity, len);
                  });
  }

  /// Gives a data key encrypted with a public key in DER.
  octets export_data_key(bytes ciphertext, bytes public_key,
                         text wrapping_key_spec, text wrapping_algorithm,
                         text context = nullptr) const
  {
    return output(0, [&](auto *out, auto capacity, auto *len) {
      return kmshsm_export_data_key(
          get(), ciphertext.data(), ciphertext.size(), context.c_str(),
          public_key.data(), public_key.size(), wrapping_key_spec.c_str(),
          wrapping_algorithm.c_str(), out, capacity, len);
    });
  }

  /// Makes a data key and gives it encrypted twice: under the key and with a
  /// public key in DER.
  exported_key generate_and_export_data_key(text key_id,
                                            std::size_t number_of_bytes,
                                            bytes public_key,
                                            text wrapping_key_spec,
                                            text wrapping_algorithm,
                                            text context = nullptr) const
  {
    exported_key made{
        octets(room(number_of_bytes) + KMSHSM_CIPHERTEXT_OVERHEAD),
        octets(std::max<std::size_t>(KMSHSM_RSA_CIPHERTEXT_MAX,
                                     room(number_of_bytes) +
                                         KMSHSM_SM2_OVERHEAD))};
    std::size_t ciphertext_len = 0, exported_len = 0;
    detail::check(kmshsm_generate_and_export_data_key(
        get(), key_id.c_str(), number_of_bytes, context.c_str(),
        public_key.data(), public_key.size(), wrapping_key_spec.c_str(),
        wrapping_algorithm.c_str(), made.ciphertext.data(),
        made.ciphertext.size(), &ciphertext_len, made.exported.data(),
        made.exported.size(), &exported_len));
    made.ciphertext.resize(ciphertext_len);
    made.exported.resize(exported_len);
    return made;
  }

  /// Makes a key pair that wraps material for one EXTERNAL key, and a token.
  import_parameters parameters_for_import(text key_id, text wrapping_key_spec,
                                          text wrapping_algorithm) const
  {
    import_parameters made{octets(KMSHSM_IMPORT_PUBLIC_KEY_MAX),
                           octets(KMSHSM_IMPORT_TOKEN_LEN), 0};
    std::size_t public_key_len = 0, token_len = 0;
    detail::check(kmshsm_parameters_for_import(
        get(), key_id.c_str(), wrapping_key_spec.c_str(),
        wrapping_algorithm.c_str(), made.public_key.data(),
        made.public_key.size(), &public_key_len, made.token.data(),
        made.token.size(), &token_len, &made.expires_unix));
    made.public_key.resize(public_key_len);
    made.token.resize(token_len);
    return made;
  }

  /// Imports wrapped material, which is destroyed at that Unix second, or
  /// never if it is 0.
  void import_key_material(text key_id, bytes encrypted_material, bytes token,
                           std::uint64_t expires_unix = 0) const
  {
    detail::check(kmshsm_import_key_material(
        get(), key_id.c_str(), encrypted_material.data(),
        encrypted_material.size(), token.data(), token.size(), expires_unix));
  }

  /// Ends it. Waits for calls under way.
  void close() const noexcept
  {
    handle_.close();
  }

  /// The handle, for functions of C; it stays this object's.
  const kmshsm_session *get() const noexcept
  {
    return handle_.get();
  }

private:
  template <class Call> static octets output(std::size_t room, Call call)
  {
    return detail::output_of(room, call);
  }

  /// Room for as many, of which the library refuses more than a thousand or
  /// so.
  static std::size_t room(std::size_t number_of_bytes) noexcept
  {
    return std::min<std::size_t>(number_of_bytes, KMSHSM_DATA_KEY_MAX);
  }

  detail::owner<kmshsm_session, kmshsm_session_free> handle_;
};

} // namespace kmshsm

#endif
