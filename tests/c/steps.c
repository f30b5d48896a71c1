#include "steps.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ENCRYPT "openssl pkeyutl -encrypt -pubin -keyform DER -inkey public "
#define OAEP ENCRYPT "-pkeyopt rsa_padding_mode:oaep -pkeyopt rsa_oaep_md:"

/* Those with a cipher wrap a fresh key of key_len bytes, and encrypt the
   material under that. */
static const struct {
  const char *algorithm;
  const char *encrypt;
  const char *cipher;
  size_t key_len;
} wrappings[] = {
    {"RSAES_PKCS1_V1_5", ENCRYPT "-pkeyopt rsa_padding_mode:pkcs1", NULL, 0},
    {"RSAES_OAEP_SHA_1", OAEP "sha1 -pkeyopt rsa_mgf1_md:sha1", NULL, 0},
    {"RSAES_OAEP_SHA_256", OAEP "sha256 -pkeyopt rsa_mgf1_md:sha256", NULL, 0},
    {"SM2PKE", ENCRYPT, NULL, 0},
    {"RSAES_OAEP_SHA_256_AES_256_ECB_PKCS7_PAD",
     OAEP "sha256 -pkeyopt rsa_mgf1_md:sha256", "-aes-256-ecb", 32},
    {"SM2PKE_SM4_ECB", ENCRYPT, "-sm4-ecb -nopad", 16},
};

static int write_file(const char *path, const buffer *data)
{
  FILE *file = fopen(path, "wb");
  int ok;
  if(!file)
    return 0;
  ok = fwrite(data->data, 1, data->len, file) == data->len;
  return fclose(file) == 0 && ok;
}

static int read_file(const char *path, buffer *data)
{
  FILE *file = fopen(path, "rb");
  char part[4096];
  size_t len;
  if(!file)
    return 0;
  while((len = fread(part, 1, sizeof(part), file)) > 0)
    buffer_add(data, part, len);
  return fclose(file) == 0;
}

/* What a command makes of its input, in a directory of its own: there, the
   public key is in the file "public". */
static int run(const char *command, const buffer *public, const buffer *in,
               buffer *out)
{
  char place[] = "/tmp/kmshsm-wrap-XXXXXX";
  char key[64], result[64], line[512];
  FILE *pipe;
  int ok = 0;
  if(!mkdtemp(place))
    return 0;
  snprintf(key, sizeof(key), "%s/public", place);
  snprintf(result, sizeof(result), "%s/out", place);
  snprintf(line, sizeof(line), "cd %s && %s -out out", place, command);
  if(write_file(key, public)) {
    pipe = popen(line, "w");
    if(pipe) {
      ok = fwrite(in->data, 1, in->len, pipe) == in->len;
      ok = pclose(pipe) == 0 && ok && read_file(result, out);
    }
  }
  unlink(key);
  unlink(result);
  rmdir(place);
  return ok;
}

static int fresh_key(buffer *key, size_t len)
{
  FILE *file = fopen("/dev/urandom", "rb");
  char bytes[32];
  size_t got = file ? fread(bytes, 1, len, file) : 0;
  if(file)
    fclose(file);
  buffer_add(key, bytes, got);
  return got == len;
}

/* Wraps as an outside party would: by the openssl program. */
static int openssl(size_t wrapping, const buffer *public,
                   const buffer *material, buffer *wrapped)
{
  const char *encrypt = wrappings[wrapping].encrypt;
  char command[160];
  buffer key = {0};
  size_t i, len;
  int ok;
  if(!wrappings[wrapping].cipher)
    return run(encrypt, public, material, wrapped);
  len = (size_t)snprintf(command, sizeof(command), "openssl enc %s -K ",
                         wrappings[wrapping].cipher);
  ok = fresh_key(&key, wrappings[wrapping].key_len);
  for(i = 0; ok && i < key.len; i++)
    len += (size_t)snprintf(command + len, sizeof(command) - len, "%02x",
                            (unsigned char)key.data[i]);
  ok = ok && run(encrypt, public, &key, wrapped) &&
       run(command, public, material, wrapped);
  buffer_free(&key);
  return ok;
}

static void put(outcome *o, const char *name, const buffer *bytes)
{
  buffer text = {0};
  base64_encode(&text, (const uint8_t *)bytes->data, bytes->len);
  json_set(o->answer, name, json_text(text.data, text.len));
  buffer_free(&text);
}

static const char *run_wrap(const json *with, outcome *o)
{
  const json *public_text = json_get(with, "PublicKey");
  const json *hex = json_get(with, "KeyMaterial");
  const char *algorithm = json_string(with, "WrappingAlgorithm");
  const char *problem = "wrap takes PublicKey, WrappingAlgorithm, KeyMaterial";
  buffer public = {0}, material = {0}, wrapped = {0};
  size_t i;
  for(i = 0; i < sizeof(wrappings) / sizeof(*wrappings); i++) {
    if(!algorithm || strcmp(algorithm, wrappings[i].algorithm) ||
       !public_text || !hex)
      continue;
    problem = "the openssl program has not wrapped";
    if(base64_decode(&public, public_text->text, public_text->len) &&
       hex_decode(&material, hex->text, hex->len) &&
       openssl(i, &public, &material, &wrapped)) {
      put(o, "EncryptedKeyMaterial", &wrapped);
      problem = NULL;
    }
  }
  buffer_free(&public);
  buffer_free(&material);
  buffer_free(&wrapped);
  return problem;
}

/* flip and cut: the bytes with one bit turned over, or the first of them. */
static const char *run_change(const json *with, const json *amount, int flip,
                              outcome *o)
{
  const json *text = json_get(with, "Base64");
  const char *problem = "flip takes Base64 and Bit, cut Base64 and Bytes";
  buffer bytes = {0};
  if(text && text->type == JSON_STRING && amount &&
     amount->type == JSON_NUMBER &&
     base64_decode(&bytes, text->text, text->len)) {
    size_t n = strtoul(amount->text, NULL, 10);
    if(n >= bytes.len * (flip ? 8 : 1) + !flip)
      problem = "there are not as many bytes";
    else {
      if(flip)
        bytes.data[n / 8] = (char)(bytes.data[n / 8] ^ (0x80 >> n % 8));
      else
        bytes.len = n;
      put(o, "Base64", &bytes);
      problem = NULL;
    }
  }
  buffer_free(&bytes);
  return problem;
}

/* What stands between the lines of PEM that begin with a dash. */
static const char *run_der(const json *with, outcome *o)
{
  const char *at = json_string(with, "PublicKey");
  buffer out = {0};
  if(!at)
    return "der takes PublicKey";
  while(*at) {
    size_t len = strcspn(at, "\n");
    if(*at != '-')
      buffer_add(&out, at, len);
    at += len + (at[len] == '\n');
  }
  json_set(o->answer, "PublicKeyBlob", json_text(out.data, out.len));
  buffer_free(&out);
  return NULL;
}

static const char *run_repeat(const json *with, outcome *o)
{
  const json *text = json_get(with, "Text");
  const json *count = json_get(with, "Count");
  buffer out = {0};
  unsigned long n;
  if(!text || text->type != JSON_STRING || !count ||
     count->type != JSON_NUMBER)
    return "repeat takes Text and Count";
  for(n = strtoul(count->text, NULL, 10); n; n--)
    buffer_add(&out, text->text, text->len);
  json_set(o->answer, "Text", json_text(out.data, out.len));
  buffer_free(&out);
  return NULL;
}

int run_own_step(const char *call, const json *with, outcome *o)
{
  const char *problem;
  json *answer = o->answer = json_new(JSON_OBJECT);
  if(!strcmp(call, "wrap"))
    problem = run_wrap(with, o);
  else if(!strcmp(call, "flip"))
    problem = run_change(with, json_get(with, "Bit"), 1, o);
  else if(!strcmp(call, "cut"))
    problem = run_change(with, json_get(with, "Bytes"), 0, o);
  else if(!strcmp(call, "der"))
    problem = run_der(with, o);
  else if(!strcmp(call, "repeat"))
    problem = run_repeat(with, o);
  else {
    json_free(answer);
    o->answer = NULL;
    return 0;
  }
  if(problem)
    outcome_fail(o, 0, problem);
  return 1;
}
