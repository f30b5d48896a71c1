/* Encrypts and decrypts a small secret, such as a password, under a key in the
 * store.
 *
 *   secret encrypt STORE PASSPHRASE_FILE REGION KEY_ID CONTEXT <in >out
 *   secret decrypt STORE PASSPHRASE_FILE REGION - CONTEXT <in >out
 *
 * --allow-unprotected-memory may stand in front. CONTEXT is a JSON object of
 * strings, such as {"app":"shop"}: it is not secret, and without the same
 * context the ciphertext does not open. Decrypting takes no key: the
 * ciphertext names its own. ../python/examples/secret.py reads and writes the
 * same.
 *
 * Build: see Makefile. Exit codes: 0, or the family of the error, see
 * kmshsm.h.
 */
#include "store.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <string.h>

int main(int argc, char **argv)
{
  uint8_t in[KMSHSM_PLAINTEXT_MAX + KMSHSM_CIPHERTEXT_OVERHEAD];
  uint8_t out[sizeof(in)];
  size_t in_len, out_len = 0;
  uint32_t flags = take_flags(&argc, &argv);
  int encrypting = argc == 7 && !strcmp(argv[1], "encrypt");
  int code;
  place p;
  kmshsm_status status;
  if(!encrypting &&
     (argc != 7 || strcmp(argv[1], "decrypt") || strcmp(argv[5], "-"))) {
    fputs("usage: secret [--allow-unprotected-memory] encrypt STORE "
          "PASSPHRASE_FILE REGION "
          "KEY_ID CONTEXT <secret >ciphertext\n"
          "       secret [--allow-unprotected-memory] decrypt STORE "
          "PASSPHRASE_FILE REGION "
          "- CONTEXT <ciphertext >secret\n",
          stderr);
    return 1;
  }
  code = place_open(&p, argv[2], argv[3], argv[4], flags);
  if(code)
    return code;
  setvbuf(stdin, NULL, _IONBF, 0);
  setvbuf(stdout, NULL, _IONBF, 0);
  code = read_all(stdin, "standard input", in, sizeof(in), &in_len);
  if(!code) {
    if(encrypting)
      status = kmshsm_encrypt(p.session, argv[5], in, in_len, argv[6], out,
                              sizeof(out), &out_len);
    else
      status = kmshsm_decrypt(p.session, in, in_len, argv[6], out, sizeof(out),
                              &out_len);
    if(status)
      code = refused(argv[1], status);
  }
  if(!code && fwrite(out, 1, out_len, stdout) != out_len)
    code = failed("standard output", "cannot be written", errno);
  OPENSSL_cleanse(in, sizeof(in));
  OPENSSL_cleanse(out, sizeof(out));
  place_close(&p);
  return code;
}
