#include "options.h"
#include "../store.h"
#include "format.h"

#include <stdlib.h>
#include <string.h>

#define USAGE \
  "usage: fileseal seal --key KEY [--chunk-size BYTES] [OPTIONS] IN OUT\n" \
  "       fileseal open [OPTIONS] IN OUT\n" \
  "       fileseal rewrap --key KEY [OPTIONS] IN OUT\n" \
  "       fileseal info [OPTIONS] IN\n" \
  "options: --store DIR, --passphrase-file FILE or --key-file FILE,\n" \
  "         --account ID, --region ID, --context NAME=VALUE (repeatedly),\n" \
  "         --allow-unprotected-memory\n"

/* Adds `len` bytes to the context, as the inside of a JSON string if they are
   `quoted`. Answers whether there was room. */
static int append(options *o, const char *text, size_t len, int quoted)
{
  size_t at = strlen(o->context);
  for(; len; text++, len--) {
    unsigned char c = (unsigned char)*text;
    if(at + sizeof("\\u0000}") > sizeof(o->context))
      return 0;
    if(quoted && c < 0x20)
      at += (size_t)sprintf(o->context + at, "\\u%04x", c);
    else {
      if(quoted && (c == '"' || c == '\\'))
        o->context[at++] = '\\';
      o->context[at++] = (char)c;
    }
  }
  o->context[at] = '\0';
  return 1;
}

static int add_context(options *o, const char *pair)
{
  const char *equals = strchr(pair, '=');
  if(!equals || equals == pair)
    return failed("--context", "takes NAME=VALUE", 0);
  return append(o, ",\"", 2, 0) &&
                 append(o, pair, (size_t)(equals - pair), 1) &&
                 append(o, "\":\"", 3, 0) &&
                 append(o, equals + 1, strlen(equals + 1), 1) &&
                 append(o, "\"", 1, 0)
             ? 0
             : failed("--context", "is too long", 0);
}

static int set_chunk(options *o, const char *text)
{
  char *end;
  unsigned long chunk = strtoul(text, &end, 10);
  if(*text < '0' || *text > '9' || *end || chunk < 1 || chunk > CHUNK_MAX)
    return failed("--chunk-size", "takes 1 to 16777216", 0);
  o->chunk = chunk;
  return 0;
}

/* Takes an option and its value. */
static int set(options *o, const char *name, const char *value)
{
  struct {
    const char *name, **at;
  } plain[] = {
      {"--store", &o->store},       {"--passphrase-file", &o->passphrase_file},
      {"--key-file", &o->key_file}, {"--account", &o->account},
      {"--region", &o->region},     {"--key", &o->key},
  };
  size_t i;
  if(!value)
    return failed(name, "takes a value", 0);
  if(!strcmp(name, "--context"))
    return add_context(o, value);
  if(!strcmp(name, "--chunk-size"))
    return set_chunk(o, value);
  for(i = 0; i < sizeof(plain) / sizeof(*plain); i++)
    if(!strcmp(name, plain[i].name)) {
      *plain[i].at = value;
      return 0;
    }
  return failed(name, "is not an option", 0);
}

/* What is there must be what the command takes. */
static int check(const options *o)
{
  const int has_out = o->command != INFO;
  const int has_key = o->command == SEAL || o->command == REWRAP;
  if(!o->in || (o->out != NULL) != has_out || (o->key != NULL) != has_key ||
     (o->chunk && o->command != SEAL)) {
    fputs(USAGE, stderr);
    return 1;
  }
  if(o->command == INFO && !o->store)
    return 0;
  if(!o->store || (!o->passphrase_file && !o->key_file))
    return failed("--store, --passphrase-file or --key-file", "is needed", 0);
  return 0;
}

int options_read(options *o, int argc, char **argv)
{
  static const char *const names[] = {"seal", "open", "rewrap", "info"};
  int i, code = 0;
  memset(o, 0, sizeof(*o));
  o->account = ACCOUNT;
  o->region = "cn-hongkong";
  append(o, "{\"fileseal\":\"1\"", 15, 0);
  for(i = 0; i < 4 && (argc < 2 || strcmp(argv[1], names[i])); i++)
    ;
  o->command = (command)i;
  for(i = 2; i < argc && !code; i++) {
    if(!strcmp(argv[i], "--allow-unprotected-memory"))
      o->flags = KMSHSM_ALLOW_UNPROTECTED_MEMORY;
    else if(!strncmp(argv[i], "--", 2)) {
      code = set(o, argv[i], argv[i + 1]); /* argv ends with NULL */
      i++;
    } else if(!o->in)
      o->in = argv[i];
    else if(!o->out)
      o->out = argv[i];
    else
      o->in = NULL;
  }
  if(o->command > INFO)
    o->in = NULL;
  if(!o->store && o->command != INFO)
    o->store = getenv("KMSHSM_STORE");
  if(!o->passphrase_file && !o->key_file)
    o->passphrase_file = getenv("KMSHSM_PASSPHRASE_FILE");
  strcat(o->context, "}"); /* append() leaves room for it */
  return code ? code : check(o);
}
