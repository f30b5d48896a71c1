// Every function of sessions and stores in kmshsm.hpp does what that of C
// does.
#include "wrapper.hpp"

void test_symmetric(const world &w)
{
  const std::string key = w.key();
  const octets blob = w.session.encrypt(key, "hello", CONTEXT);
  is_true(blob.size() == 5 + KMSHSM_CIPHERTEXT_OVERHEAD, "a ciphertext");
  is_true(w.session.decrypt(blob, CONTEXT) == octets_of("hello"),
          "and its plaintext");
  is_true(thrown([&] { (void)w.session.decrypt(blob); }) ==
              KMSHSM_ERROR_INVALID_CIPHERTEXT,
          "not without its context");
  is_true(w.session.decrypt(w.session.encrypt(key, {})).empty(),
          "no bytes are encrypted, too");
  kmshsm::data_key made = w.session.generate_data_key(key, 32);
  is_true(made.plaintext.size() == 32 &&
              w.session.decrypt(made.ciphertext) == made.plaintext,
          "a data key");
  kmshsm::data_key moved = std::move(made);
  is_true(moved.plaintext.size() == 32 && made.plaintext.empty(), // NOLINT
          "that moves");
  kmshsm::data_key other = w.session.generate_data_key(key, 16, CONTEXT);
  other = std::move(moved);
  is_true(other.plaintext.size() == 32 && moved.plaintext.empty(), // NOLINT
          "over another one");
  const octets sealed = w.session.generate_data_key_without_plaintext(key, 24);
  is_true(w.session.decrypt(sealed).size() == 24, "a data key unseen");
  is_true(w.session.random(40).size() == 40 &&
              w.session.random(40) != w.session.random(40),
          "random bytes");
  is_true(thrown([&] { (void)w.session.random(SIZE_MAX); }) ==
              KMSHSM_ERROR_INVALID_PARAMETER,
          "not as many as there are");
  const octets again = w.session.re_encrypt(blob, CONTEXT, key);
  is_true(w.session.decrypt(again) == octets_of("hello"), "re-encryption");
  is_true(kmshsm::last_indicator() == kmshsm::indicator::not_approved,
          "at level SOFTWARE nothing is approved");
}

void test_asymmetric(const world &w)
{
  const std::string key = w.key(R"({"KeySpec":"EC_P256"})");
  const std::string version = w.version(key);
  const octets signature =
      w.session.sign_message(key, version, ECDSA, "message");
  is_true(w.session.verify_message(key, version, ECDSA, "message", signature),
          "a signature of a message");
  is_true(!w.session.verify_message(key, version, ECDSA, "other", signature),
          "a wrong one is no exception");
  kmshsm::digest pieces = w.session.digest(key, version, ECDSA);
  pieces.update("mess");
  pieces.update("age");
  const octets digest = pieces.finish();
  is_true(w.session.verify(key, version, ECDSA, digest, signature),
          "its digest in pieces");
  is_true(thrown([&] { pieces.update("more"); }) == KMSHSM_ERROR_CLOSED,
          "which is finished once");
  is_true(w.session.verify(key, version, ECDSA, digest,
                           w.session.sign(key, version, ECDSA, digest)),
          "a signature of a digest");
  is_true(has_text(w.session.public_key(key, version), "BEGIN PUBLIC KEY"),
          "the public key");
  const std::string rsa =
      w.key(R"({"KeySpec":"RSA_2048","KeyUsage":"ENCRYPT/DECRYPT"})");
  const std::string its = w.version(rsa);
  const octets sealed = w.session.asymmetric_encrypt(rsa, its, OAEP, "hello");
  is_true(w.session.asymmetric_decrypt(rsa, its, OAEP, sealed) ==
              octets_of("hello"),
          "public-key encryption and back");
  const octets moved =
      w.session.re_encrypt(sealed, rsa, its, OAEP, nullptr, w.key(), CONTEXT);
  is_true(w.session.decrypt(moved, CONTEXT) == octets_of("hello"),
          "and from there to a symmetric key");
}

void test_import(const world &w)
{
  const std::string external = w.key(R"({"Origin":"EXTERNAL"})");
  const kmshsm::import_parameters with =
      w.session.parameters_for_import(external, "RSA_2048", OAEP);
  is_true(with.token.size() == KMSHSM_IMPORT_TOKEN_LEN &&
              with.expires_unix > 0,
          "parameters for import");
  const octets wrapped =
      kmshsm::wrap_key_material(OAEP, with.public_key, octets(32, 5));
  w.session.import_key_material(external, wrapped, with.token);
  is_true(w.session.encrypt(external, "x").size() > 1, "imported material");
  const octets blob = w.session.encrypt(external, "a data key");
  is_true(w.session.export_data_key(blob, with.public_key, "RSA_2048", OAEP)
                  .size() == 256,
          "an exported data key");
  const kmshsm::exported_key made = w.session.generate_and_export_data_key(
      external, 32, with.public_key, "RSA_2048", OAEP, CONTEXT);
  is_true(made.exported.size() == 256 &&
              w.session.decrypt(made.ciphertext, CONTEXT).size() == 32,
          "one that is made for both");
}

void test_stores()
{
  const folder temporary;
  const std::string place = temporary.path + "/store";
  const auto passphrase = kmshsm::unlock::passphrase("a long passphrase");
  kmshsm::store::create(place, passphrase);
  kmshsm::store::create(temporary.path + "/other",
                        kmshsm::unlock::key_file(octets(32, 9)),
                        R"({"Identity":"EC_SM2"})");
  is_true(thrown([&] { kmshsm::store::create(place, passphrase); }) ==
              KMSHSM_ERROR_STORE_EXISTS,
          "a store is made once");
  is_true(thrown([&] {
            kmshsm::store store(place, kmshsm::unlock::passphrase("wrong"));
          }) == KMSHSM_ERROR_UNLOCK_FAILED,
          "a wrong passphrase opens nothing");
  const kmshsm::store store(place, passphrase,
                            R"({"AllowUnprotectedMemory":true})");
  const std::string slot =
      store.operate("AddUnlockSlot", R"({"Threshold":2,"Count":2})");
  const std::size_t from = slot.find("[\"") + 2, mid = slot.find("\",\""),
                    to = slot.find("\"]");
  const std::string words = slot.substr(from, mid - from) + "\n" +
                            slot.substr(mid + 3, to - mid - 3);
  is_true(has_text(kmshsm::store(place, kmshsm::unlock::shares(words), LOOSE)
                       .module_status(),
                   "\"operational\""),
          "shares open it");
  const kmshsm::session session =
      store.login(R"({"Account":"111122223333","Region":"cn-hongkong"})");
  (void)session.call("CreateKey");
  is_true(thrown([&] {
            (void)store.login(
                R"({"Region":"cn-hongkong","AccessKeyId":"nobody"})", "s");
          }) == KMSHSM_ERROR_ACCESS_KEY_NOT_FOUND,
          "nobody logs in");
  is_true(has_text(store.tick(), "\"Rotated\":0"), "what is due is done");
  store.flush();
  const std::string trail = temporary.path + "/trail";
  const std::string head = field(store.audit_export(trail), "Head");
  is_true(has_text(kmshsm::audit_verify(trail, store.audit_key(), head),
                   "\"IsKeyTrusted\":true"),
          "the trail is exported and verified");
  const std::string backup = temporary.path + "/backup";
  store.operate("CreateBackup",
                R"({"Path":")" + backup + R"(","Threshold":2,"Shares":2})");
  is_true(has_text(
              kmshsm::operate("VerifyBackup", R"({"Path":")" + backup + "\"}"),
              "\"KeyFingerprint\""),
          "a backup is verified without a store");
}
