/* Bring your own key: takes key material that somebody else has made into an
 * EXTERNAL key.
 *
 *   byok parameters STORE PASSPHRASE_FILE REGION KEY_ID PUBLIC_KEY TOKEN
 *   byok wrap PUBLIC_KEY MATERIAL WRAPPED
 *   byok import STORE PASSPHRASE_FILE REGION KEY_ID WRAPPED TOKEN
 *
 * --allow-unprotected-memory may stand in front. The first writes a public key
 * (DER) and a token, good for 24 hours and for that key. Whoever has the
 * material wraps it with the second, which opens no store, or by openssl
 * (../docs/byok.md). The third imports it: 32 bytes into an Aliyun_AES_256
 * key, 16 into an Aliyun_SM4 key. In clear the material is nowhere but with
 * its owner and, after that, inside the store's protected memory.
 * ../python/examples/byok.py does the same.
 *
 * Build: see Makefile. Exit codes: 0, or the family of the error, see
 * kmshsm.h.
 */
#include "store.h"

#include <openssl/crypto.h>
#include <string.h>

#define ALGORITHM "RSAES_OAEP_SHA_256"

static int parameters(const place *p, char **paths, const char *key_id)
{
  uint8_t public_key[KMSHSM_IMPORT_PUBLIC_KEY_MAX];
  uint8_t token[KMSHSM_IMPORT_TOKEN_LEN];
  size_t public_key_len, token_len;
  uint64_t expires;
  int code;
  kmshsm_status status = kmshsm_parameters_for_import(
      p->session, key_id, "RSA_2048", ALGORITHM, public_key,
      sizeof(public_key), &public_key_len, token, sizeof(token), &token_len,
      &expires);
  if(status)
    return refused("get parameters for import", status);
  code = write_file(paths[0], public_key, public_key_len);
  if(!code)
    code = write_file(paths[1], token, token_len);
  if(!code)
    printf("expires %llu\n", (unsigned long long)expires);
  return code;
}

static int wrap(char **paths)
{
  uint8_t public_key[KMSHSM_IMPORT_PUBLIC_KEY_MAX], material[190];
  uint8_t wrapped[sizeof(material) + KMSHSM_WRAPPING_OVERHEAD];
  size_t public_key_len, material_len, wrapped_len;
  kmshsm_status status;
  int code =
      read_file(paths[0], public_key, sizeof(public_key), &public_key_len);
  if(!code)
    code = read_file(paths[1], material, sizeof(material), &material_len);
  if(!code) {
    status = kmshsm_wrap_key_material(ALGORITHM, public_key, public_key_len,
                                      material, material_len, wrapped,
                                      sizeof(wrapped), &wrapped_len);
    code = status ? refused("wrap key material", status)
                  : write_file(paths[2], wrapped, wrapped_len);
  }
  OPENSSL_cleanse(material, sizeof(material));
  return code;
}

static int import(const place *p, char **paths, const char *key_id)
{
  uint8_t wrapped[1024], token[KMSHSM_IMPORT_TOKEN_LEN];
  size_t wrapped_len, token_len;
  kmshsm_status status;
  int code = read_file(paths[0], wrapped, sizeof(wrapped), &wrapped_len);
  if(!code)
    code = read_file(paths[1], token, sizeof(token), &token_len);
  if(code)
    return code;
  status = kmshsm_import_key_material(p->session, key_id, wrapped, wrapped_len,
                                      token, token_len, 0);
  return status ? refused("import key material", status) : 0;
}

int main(int argc, char **argv)
{
  uint32_t flags = take_flags(&argc, &argv);
  int importing = argc == 8 && !strcmp(argv[1], "import");
  int code;
  place p;
  if(argc == 5 && !strcmp(argv[1], "wrap"))
    return wrap(argv + 2);
  if(!importing && (argc != 8 || strcmp(argv[1], "parameters"))) {
    fputs("usage: byok [--allow-unprotected-memory] parameters STORE "
          "PASSPHRASE_FILE REGION KEY_ID PUBLIC_KEY TOKEN\n"
          "       byok wrap PUBLIC_KEY MATERIAL WRAPPED\n"
          "       byok [--allow-unprotected-memory] import STORE "
          "PASSPHRASE_FILE REGION KEY_ID WRAPPED TOKEN\n",
          stderr);
    return 1;
  }
  code = place_open(&p, argv[2], argv[3], argv[4], flags);
  if(code)
    return code;
  code = (importing ? import : parameters)(&p, argv + 6, argv[5]);
  place_close(&p);
  return code;
}
