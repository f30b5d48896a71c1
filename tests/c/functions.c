/* Every function that takes a handle, each with parameters that a world has.
 * Where one fails and something comes out all the same, its status is WRONG,
 * which has no name. kmshsm_close, kmshsm_session_free and kmshsm_digest_free
 * answer nothing. */
#include "contract.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define WRONG UINT32_MAX
#define RSA "RSA_2048", "RSAES_OAEP_SHA_256"
#define SIGNER w->signer, w->version, "ECDSA_SHA_256"

static const uint8_t text[] = "hello";
static const uint8_t zeros[512];

static kmshsm_status session_open(const world *w)
{
  const kmshsm_session *session = NULL;
  kmshsm_status status =
      kmshsm_session_open(w->store, "111122223333", "cn-hongkong", &session);
  kmshsm_session_free(session);
  return status && session ? WRONG : status;
}

static kmshsm_status session_open_with(const world *w)
{
  const kmshsm_session *session = NULL;
  kmshsm_status status = kmshsm_session_open_with(
      w->store, "{\"Account\":\"111122223333\",\"Region\":\"cn-hongkong\"}",
      NULL, 0, &session);
  kmshsm_session_free(session);
  return status && session ? WRONG : status;
}

static kmshsm_status module_status(const world *w)
{
  char *answer = NULL;
  kmshsm_status status = kmshsm_module_status(w->store, &answer);
  int is_right = !status == !!answer;
  kmshsm_string_free(answer);
  return is_right ? status : WRONG;
}

static kmshsm_status tick(const world *w)
{
  char *answer = NULL;
  kmshsm_status status = kmshsm_tick(w->store, &answer);
  int is_right = !status == !!answer;
  kmshsm_string_free(answer);
  return is_right ? status : WRONG;
}

static kmshsm_status operate(const world *w)
{
  char *answer = NULL;
  kmshsm_status status =
      kmshsm_operate(w->store, "ListUnlockSlots", NULL, &answer);
  int is_right = !status == !!answer;
  kmshsm_string_free(answer);
  return is_right ? status : WRONG;
}

static kmshsm_status flush(const world *w)
{
  return kmshsm_flush(w->store);
}

static kmshsm_status audit_export(const world *w)
{
  char folder[] = "/tmp/kmshsm-XXXXXX", path[32], *answer = NULL;
  kmshsm_status status;
  int is_right;
  if(!mkdtemp(folder))
    return WRONG;
  snprintf(path, sizeof(path), "%s/trail", folder);
  status = kmshsm_audit_export(w->store, path, &answer);
  is_right = !status == !!answer && !status == !remove(path);
  kmshsm_string_free(answer);
  return !rmdir(folder) && is_right ? status : WRONG;
}

static kmshsm_status audit_key(const world *w)
{
  char *pem = NULL;
  kmshsm_status status = kmshsm_audit_key(w->store, &pem);
  int is_right = !status == !!pem;
  kmshsm_string_free(pem);
  return is_right ? status : WRONG;
}

static kmshsm_status call(const world *w)
{
  char *answer = NULL;
  kmshsm_status status = kmshsm_call(w->session, "ListKeys", "{}", &answer);
  int is_right = !status == !!answer;
  kmshsm_string_free(answer);
  return is_right ? status : WRONG;
}

static kmshsm_status encrypt(const world *w)
{
  uint8_t own[96];
  size_t len;
  return kmshsm_encrypt(w->session, w->key, text, 5, NULL, own, 96, &len);
}

static kmshsm_status decrypt(const world *w)
{
  uint8_t own[96];
  size_t len;
  return kmshsm_decrypt(w->session, w->blob, 96, NULL, own, 96, &len);
}

static kmshsm_status data_key(const world *w)
{
  uint8_t own[256], plain[32];
  size_t len, plain_len;
  return kmshsm_generate_data_key(w->session, w->key, 32, NULL, plain, 32,
                                  &plain_len, own, sizeof(own), &len);
}

static kmshsm_status blind_data_key(const world *w)
{
  uint8_t own[512];
  size_t len;
  return kmshsm_generate_data_key_without_plaintext(
      w->session, w->key, 32, NULL, own, sizeof(own), &len);
}

static kmshsm_status draw(const world *w)
{
  uint8_t own[512];
  size_t len;
  return kmshsm_random(w->session, 32, own, sizeof(own), &len);
}

static kmshsm_status import_parameters(const world *w)
{
  uint8_t key[KMSHSM_IMPORT_PUBLIC_KEY_MAX], token[KMSHSM_IMPORT_TOKEN_LEN];
  size_t key_len, token_len;
  uint64_t expires = 0;
  kmshsm_status status = kmshsm_parameters_for_import(
      w->session, w->external, RSA, key, sizeof(key), &key_len, token,
      sizeof(token), &token_len, &expires);
  return status && expires ? WRONG : status;
}

static kmshsm_status import_material(const world *w)
{
  return kmshsm_import_key_material(w->session, w->external, zeros, 256, zeros,
                                    KMSHSM_IMPORT_TOKEN_LEN, 0);
}

static kmshsm_status sign(const world *w)
{
  uint8_t own[512];
  size_t len;
  return kmshsm_sign(w->session, SIGNER, zeros, 32, own, sizeof(own), &len);
}

static kmshsm_status verify(const world *w)
{
  int is_valid = -1;
  kmshsm_status status =
      kmshsm_verify(w->session, SIGNER, zeros, 32, zeros, 70, &is_valid);
  return is_valid == (status ? -1 : 0) ? status : WRONG;
}

static kmshsm_status sign_message(const world *w)
{
  uint8_t own[512];
  size_t len;
  return kmshsm_sign_message(w->session, SIGNER, NULL, 0, text, 5, own,
                             sizeof(own), &len);
}

static kmshsm_status verify_message(const world *w)
{
  int is_valid = -1;
  kmshsm_status status = kmshsm_verify_message(w->session, SIGNER, NULL, 0,
                                               text, 5, zeros, 70, &is_valid);
  return is_valid == (status ? -1 : 0) ? status : WRONG;
}

static kmshsm_status digest_new(const world *w)
{
  const kmshsm_digest *digest = NULL;
  kmshsm_status status =
      kmshsm_digest_new(w->session, SIGNER, NULL, 0, &digest);
  kmshsm_digest_free(digest);
  return status && digest ? WRONG : status;
}

static kmshsm_status digest_update(const world *w)
{
  return kmshsm_digest_update(w->digest, text, 5);
}

static kmshsm_status digest_finish(const world *w)
{
  uint8_t own[512];
  size_t len;
  return kmshsm_digest_finish(w->digest, own, sizeof(own), &len);
}

static kmshsm_status asymmetric_encrypt(const world *w)
{
  uint8_t own[512];
  size_t len;
  return kmshsm_asymmetric_encrypt(w->session, w->signer, w->version, "SM2PKE",
                                   text, 5, own, sizeof(own), &len);
}

static kmshsm_status asymmetric_decrypt(const world *w)
{
  uint8_t own[512];
  size_t len;
  return kmshsm_asymmetric_decrypt(w->session, w->signer, w->version, "SM2PKE",
                                   zeros, 102, own, sizeof(own), &len);
}

static kmshsm_status public_key(const world *w)
{
  uint8_t own[KMSHSM_PUBLIC_KEY_PEM_MAX];
  size_t len;
  return kmshsm_public_key(w->session, w->signer, w->version, own, sizeof(own),
                           &len);
}

static kmshsm_status re_encrypt(const world *w)
{
  uint8_t own[512];
  size_t len;
  return kmshsm_re_encrypt(w->session, w->blob, 96, NULL, NULL, NULL, NULL,
                           w->key, NULL, own, sizeof(own), &len);
}

static kmshsm_status export(const world *w)
{
  uint8_t own[512];
  size_t len;
  return kmshsm_export_data_key(w->session, w->blob, 96, NULL, zeros, 294, RSA,
                                own, sizeof(own), &len);
}

static kmshsm_status generate_and_export(const world *w)
{
  uint8_t own[512], other[512];
  size_t len, other_len;
  return kmshsm_generate_and_export_data_key(
      w->session, w->key, 32, NULL, zeros, 294, RSA, own, sizeof(own), &len,
      other, sizeof(other), &other_len);
}

const function functions[FUNCTIONS] = {
    {"kmshsm_session_open", STORE, session_open},
    {"kmshsm_session_open_with", STORE, session_open_with},
    {"kmshsm_module_status", STORE, module_status},
    {"kmshsm_tick", STORE, tick},
    {"kmshsm_operate", STORE, operate},
    {"kmshsm_flush", STORE, flush},
    {"kmshsm_audit_export", STORE, audit_export},
    {"kmshsm_audit_key", STORE, audit_key},
    {"kmshsm_call", SESSION, call},
    {"kmshsm_encrypt", SESSION, encrypt},
    {"kmshsm_decrypt", SESSION, decrypt},
    {"kmshsm_generate_data_key", SESSION, data_key},
    {"kmshsm_generate_data_key_without_plaintext", SESSION, blind_data_key},
    {"kmshsm_random", SESSION, draw},
    {"kmshsm_parameters_for_import", SESSION, import_parameters},
    {"kmshsm_import_key_material", SESSION, import_material},
    {"kmshsm_sign", SESSION, sign},
    {"kmshsm_verify", SESSION, verify},
    {"kmshsm_sign_message", SESSION, sign_message},
    {"kmshsm_verify_message", SESSION, verify_message},
    {"kmshsm_digest_new", SESSION, digest_new},
    {"kmshsm_digest_update", DIGEST, digest_update},
    {"kmshsm_digest_finish", DIGEST, digest_finish},
    {"kmshsm_asymmetric_encrypt", SESSION, asymmetric_encrypt},
    {"kmshsm_asymmetric_decrypt", SESSION, asymmetric_decrypt},
    {"kmshsm_public_key", SESSION, public_key},
    {"kmshsm_re_encrypt", SESSION, re_encrypt},
    {"kmshsm_export_data_key", SESSION, export},
    {"kmshsm_generate_and_export_data_key", SESSION, generate_and_export},
};
