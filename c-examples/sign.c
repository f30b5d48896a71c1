/* Signs a file with a new key, verifies that, and prints the public key:
 *
 *   sign EC_P256 STORE PASSPHRASE_FILE REGION FILE SIGNATURE >public.pem
 *   openssl dgst -sha256 -verify public.pem -signature SIGNATURE FILE
 *
 * --allow-unprotected-memory may stand in front; EC_SM2 signs with SM2 in
 * regions that offer it. The private key never leaves the store.
 * Build: see Makefile. Exit codes: 0, or the family of the error (kmshsm.h).
 */
#include "store.h"

#include <errno.h>
#include <string.h>

/* A version of a key, and how it signs. */
typedef struct {
  char key[37], version[37];
  const char *algorithm;
} signer;

static int create(const place *p, const char *spec, signer *s)
{
  char with[128];
  int code;
  s->algorithm = strcmp(spec, "EC_SM2") ? "ECDSA_SHA_256" : "SM2DSA";
  snprintf(with, sizeof(with),
           "{\"KeySpec\":\"%s\",\"ProtectionLevel\":\"HSM\"}", spec);
  code = ask(p, "CreateKey", with, "KeyId", s->key, sizeof(s->key));
  snprintf(with, sizeof(with), "{\"KeyId\":\"%s\"}", s->key);
  return code ? code
              : ask(p, "ListKeyVersions", with, "KeyVersionId", s->version,
                    sizeof(s->version));
}

/* The digest of a file, as the key signs it. */
static int digest_file(const place *p, const signer *s, const char *path,
                       uint8_t digest[KMSHSM_DIGEST_LEN])
{
  const kmshsm_digest *pieces = NULL;
  uint8_t piece[65536];
  size_t len;
  FILE *in = fopen(path, "rb");
  kmshsm_status status;
  int code = 0;
  if(!in)
    return failed(path, "cannot be opened", errno);
  status = kmshsm_digest_new(p->session, s->key, s->version, s->algorithm,
                             NULL, 0, &pieces);
  while(!status && (len = fread(piece, 1, sizeof(piece), in)) > 0)
    status = kmshsm_digest_update(pieces, piece, len);
  if(ferror(in))
    code = failed(path, "cannot be read", errno);
  if(!status)
    status = kmshsm_digest_finish(pieces, digest, KMSHSM_DIGEST_LEN, &len);
  kmshsm_digest_free(pieces);
  fclose(in);
  return status ? refused("digest", status) : code;
}

static int sign(const place *p, const signer *s, const char *path,
                const char *signature_path)
{
  uint8_t digest[KMSHSM_DIGEST_LEN], signature[KMSHSM_SIGNATURE_MAX];
  uint8_t pem[KMSHSM_PUBLIC_KEY_PEM_MAX];
  size_t len, pem_len;
  int is_valid = 0;
  kmshsm_status status;
  int code = digest_file(p, s, path, digest);
  if(code)
    return code;
  status = kmshsm_sign(p->session, s->key, s->version, s->algorithm, digest,
                       sizeof(digest), signature, sizeof(signature), &len);
  if(!status)
    status = kmshsm_verify(p->session, s->key, s->version, s->algorithm,
                           digest, sizeof(digest), signature, len, &is_valid);
  if(!status)
    status = kmshsm_public_key(p->session, s->key, s->version, pem,
                               sizeof(pem), &pem_len);
  if(status || !is_valid)
    return status ? refused("sign", status) : failed(path, "is not signed", 0);
  fwrite(pem, 1, pem_len, stdout);
  return write_file(signature_path, signature, len);
}

int main(int argc, char **argv)
{
  uint32_t flags = take_flags(&argc, &argv);
  int code;
  signer s;
  place p;
  if(argc != 7) {
    fputs("usage: sign [--allow-unprotected-memory] EC_P256|EC_SM2 STORE "
          "PASSPHRASE_FILE REGION FILE SIGNATURE >public.pem\n",
          stderr);
    return 1;
  }
  code = place_open(&p, argv[2], argv[3], argv[4], flags);
  if(code)
    return code;
  code = create(&p, argv[1], &s);
  if(!code)
    code = sign(&p, &s, argv[5], argv[6]);
  place_close(&p);
  return code;
}
