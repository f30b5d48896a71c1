/* Bring your own key: takes key material that somebody else made and wrapped
 * into an EXTERNAL key.
 *
 *   byok parameters STORE PASSPHRASE_FILE REGION KEY_ID PUBLIC_KEY TOKEN
 *   byok import     STORE PASSPHRASE_FILE REGION KEY_ID WRAPPED TOKEN
 *
 * --allow-unprotected-memory may stand in front. The first writes a public key
 * (DER) and a token, good for 24 hours and for that key. Whoever has the
 * material then wraps it, for example with
 *
 *   openssl pkeyutl -encrypt -pubin -keyform DER -inkey PUBLIC_KEY -in
 * MATERIAL -out WRAPPED \ -pkeyopt rsa_padding_mode:oaep -pkeyopt
 * rsa_oaep_md:sha256
 *
 * and the second imports it: 32 bytes into an Aliyun_AES_256 key, 16 into an
 * Aliyun_SM4 key. In clear the material is nowhere but with its owner and,
 * after that, inside the store's protected memory.
 *
 * Build: see Makefile. Exit codes: 0, or the family of the error, see
 * kmshsm.h.
 */
#include "store.h"

#include <string.h>

static int parameters(const place *p, const char *key_id,
                      const char *public_key_path, const char *token_path)
{
  uint8_t public_key[KMSHSM_IMPORT_PUBLIC_KEY_MAX];
  uint8_t token[KMSHSM_IMPORT_TOKEN_LEN];
  size_t public_key_len, token_len;
  uint64_t expires;
  int code;
  kmshsm_status status = kmshsm_parameters_for_import(
      p->session, key_id, "RSA_2048", "RSAES_OAEP_SHA_256", public_key,
      sizeof(public_key), &public_key_len, token, sizeof(token), &token_len,
      &expires);
  if(status)
    return refused("get parameters for import", status);
  code = write_file(public_key_path, public_key, public_key_len);
  if(!code)
    code = write_file(token_path, token, token_len);
  if(!code)
    printf("expires %llu\n", (unsigned long long)expires);
  return code;
}

static int import(const place *p, const char *key_id, const char *wrapped_path,
                  const char *token_path)
{
  uint8_t wrapped[1024];
  uint8_t token[KMSHSM_IMPORT_TOKEN_LEN];
  size_t wrapped_len, token_len;
  kmshsm_status status;
  int code = read_file(wrapped_path, wrapped, sizeof(wrapped), &wrapped_len);
  if(!code)
    code = read_file(token_path, token, sizeof(token), &token_len);
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
  if(!importing && (argc != 8 || strcmp(argv[1], "parameters"))) {
    fputs("usage: byok [--allow-unprotected-memory] parameters STORE "
          "PASSPHRASE_FILE REGION "
          "KEY_ID PUBLIC_KEY TOKEN\n"
          "       byok [--allow-unprotected-memory] import STORE "
          "PASSPHRASE_FILE REGION "
          "KEY_ID WRAPPED TOKEN\n",
          stderr);
    return 1;
  }
  code = place_open(&p, argv[2], argv[3], argv[4], flags);
  if(code)
    return code;
  code = (importing ? import : parameters)(&p, argv[5], argv[6], argv[7]);
  place_close(&p);
  return code;
}
