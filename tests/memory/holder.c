/* A program that holds keys in the library and no secret anywhere else, so
   that whoever dumps it sees what the library leaves behind.

   It is driven over stdin and stdout, by read(2) and write(2) alone:
     request  operation (1) | length u32 | arguments: length u32, bytes
     answer   status u32 | length u32 | results: length u32, bytes
   Numbers are big-endian; arguments that are strings bring their NUL. What is
   read lies in one buffer, results in another; nothing is copied out of them,
   and both are wiped before the next request is waited for. */
#include <kmshsm.h>

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

enum { ARGUMENTS = 4, RESULTS = 3, ROOM = 1 << 16 };

static uint8_t in[ROOM], out[RESULTS][ROOM / 8];
static size_t results, lengths[RESULTS];
static struct {
  const uint8_t *data;
  size_t len;
} argument[ARGUMENTS];

static const kmshsm_store *store;
static const kmshsm_session *sessions[2], *session; /* the one in use */

/* --- The line ----------------------------------------------------------- */

static void all(int fd, uint8_t *data, size_t len, int writing)
{
  while(len) {
    ssize_t n = writing ? write(fd, data, len) : read(fd, data, len);
    if(n < 0 && errno == EINTR)
      continue;
    if(n <= 0)
      _exit(n < 0);
    data += n;
    len -= (size_t)n;
  }
}

static uint32_t number(const uint8_t *b)
{
  return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 |
         b[3];
}

static void put_number(uint8_t *b, size_t n)
{
  b[0] = (uint8_t)(n >> 24);
  b[1] = (uint8_t)(n >> 16);
  b[2] = (uint8_t)(n >> 8);
  b[3] = (uint8_t)n;
}

static int ask(void)
{
  uint8_t head[5];
  size_t len, at = 0;
  int i;
  all(STDIN_FILENO, head, sizeof(head), 0);
  len = number(head + 1);
  if(len > sizeof(in))
    _exit(2);
  all(STDIN_FILENO, in, len, 0);
  memset(argument, 0, sizeof(argument));
  for(i = 0; i < ARGUMENTS && at + 4 <= len; i++) {
    argument[i].len = number(in + at);
    argument[i].data = in + at + 4;
    at += 4 + argument[i].len;
  }
  if(at != len)
    _exit(2);
  return head[0];
}

static void answer(kmshsm_status status)
{
  uint8_t head[8], length[4];
  size_t i, len = 0;
  if(status)
    results = 0;
  for(i = 0; i < results; i++)
    len += 4 + lengths[i];
  put_number(head, status);
  put_number(head + 4, len);
  all(STDOUT_FILENO, head, sizeof(head), 1);
  for(i = 0; i < results; i++) {
    put_number(length, lengths[i]);
    all(STDOUT_FILENO, length, sizeof(length), 1);
    all(STDOUT_FILENO, out[i], lengths[i], 1);
  }
  explicit_bzero(in, sizeof(in));
  explicit_bzero(out, sizeof(out));
  results = 0;
}

/* A string of the library's becomes the result. It holds no secret. */
static kmshsm_status hand_on(kmshsm_status status, char *text)
{
  if(!status) {
    lengths[0] = strlen(text);
    if(lengths[0] > sizeof(out[0]))
      _exit(2);
    memcpy(out[0], text, lengths[0]);
    results = 1;
  }
  kmshsm_string_free(text);
  return status;
}

/* --- A second thread that works without a pause -------------------------- */

static struct {
  char key[64];
  uint8_t blob[256];
  size_t blob_len;
  atomic_bool stop;
  atomic_uint rounds, failures;
  pthread_t thread;
} toil;

static void *toiling(void *mine)
{
  uint8_t plain[256], blob[256];
  size_t len;
  while(!atomic_load(&toil.stop)) {
    if(kmshsm_decrypt(mine, toil.blob, toil.blob_len, NULL, plain,
                      sizeof(plain), &len) ||
       kmshsm_encrypt(mine, toil.key, plain, len, NULL, blob, sizeof(blob),
                      &len))
      atomic_fetch_add(&toil.failures, 1);
    atomic_fetch_add(&toil.rounds, 1);
  }
  return NULL;
}

static kmshsm_status begin_toil(void)
{
  if(argument[0].len > sizeof(toil.key) || argument[1].len > sizeof(toil.blob))
    _exit(2);
  memcpy(toil.key, argument[0].data, argument[0].len);
  memcpy(toil.blob, argument[1].data, argument[1].len);
  toil.blob_len = argument[1].len;
  atomic_store(&toil.stop, 0);
  if(pthread_create(&toil.thread, NULL, toiling, (void *)session))
    _exit(2);
  while(!atomic_load(&toil.rounds))
    ;
  return KMSHSM_OK;
}

static kmshsm_status end_toil(void)
{
  atomic_store(&toil.stop, 1);
  pthread_join(toil.thread, NULL);
  put_number(out[0], atomic_load(&toil.rounds));
  put_number(out[1], atomic_load(&toil.failures));
  lengths[0] = lengths[1] = 4;
  results = 2;
  return KMSHSM_OK;
}

/* --- Controls: what a scan must find --------------------------------------
 */

static EVP_PKEY *rsa;
static uint8_t *kept;

static kmshsm_status keep(void)
{
  kept = malloc(argument[0].len + 1);
  if(!kept)
    _exit(2);
  memcpy(kept + 1, argument[0].data, argument[0].len); /* aligned to nothing */
  return KMSHSM_OK;
}

/* An RSA key of libcrypto's, in ordinary memory. */
static kmshsm_status keep_rsa(void)
{
  unsigned char *end = out[0];
  int len;
  rsa = EVP_RSA_gen(2048);
  len = i2d_PUBKEY(rsa, &end);
  if(!rsa || len < 0)
    _exit(2);
  lengths[0] = (size_t)len;
  results = 1;
  return KMSHSM_OK;
}

/* --- The kernel's doors ----------------------------------------------------
 */

/* The errno of writing 32 bytes from an address into a pipe; 0 if it went. */
static int written(const void *address)
{
  int ends[2], problem;
  if(pipe2(ends, O_CLOEXEC))
    _exit(2);
  problem = write(ends[1], address, 32) < 0 ? errno : 0;
  close(ends[0]);
  close(ends[1]);
  return problem;
}

/* Only what /proc shows tells where the secret memory is. */
static kmshsm_status write_from_secret_memory(void)
{
  static const char ordinary[32];
  char line[512], access[5];
  unsigned long start = 0, end;
  FILE *maps = fopen("/proc/self/maps", "r");
  while(maps && fgets(line, sizeof(line), maps))
    if(strstr(line, "/secretmem") &&
       sscanf(line, "%lx-%lx %4s", &start, &end, access) == 3 &&
       access[0] == 'r')
      break;
    else
      start = 0;
  if(maps)
    fclose(maps);
  if(!start)
    return KMSHSM_ERROR_MEMORY_PROTECTION;
  put_number(out[0], (size_t)written((const void *)start));
  put_number(out[1], (size_t)written(ordinary));
  lengths[0] = lengths[1] = 4;
  results = 2;
  return KMSHSM_OK;
}

/* --- Operations ------------------------------------------------------------
 */

#define TEXT(i) ((const char *)argument[i].data)
#define BYTES(i) argument[i].data, argument[i].len
#define RESULT(i) out[i], sizeof(out[i]), &lengths[i]

static kmshsm_status serve(int operation)
{
  char *text = NULL;
  kmshsm_status status;
  switch(operation) {
  case 'C':
    return kmshsm_create(TEXT(0), argument[2].data[0], BYTES(1));
  case 'O':
    return kmshsm_open(TEXT(0), argument[2].data[0], BYTES(1),
                       argument[3].data[0], &store);
  case 'S':
    return kmshsm_session_open(store, TEXT(0), TEXT(1),
                               &sessions[argument[2].data[0] & 1]);
  case 'U':
    session = sessions[argument[0].data[0] & 1];
    return KMSHSM_OK;
  case 'J':
    status = kmshsm_call(session, TEXT(0), TEXT(1), &text);
    return hand_on(status, text);
  case 'M':
    status = kmshsm_module_status(store, &text);
    return hand_on(status, text);
  case 'E':
    results = 1;
    return kmshsm_encrypt(session, TEXT(0), BYTES(1), NULL, RESULT(0));
  case 'D':
    results = 1;
    return kmshsm_decrypt(session, BYTES(0), NULL, RESULT(0));
  case 'G':
    results = 2;
    return kmshsm_generate_data_key(session, TEXT(0), argument[1].data[0],
                                    NULL, RESULT(0), RESULT(1));
  case 'P':
    results = 2;
    return kmshsm_parameters_for_import(session, TEXT(0), "RSA_2048", TEXT(1),
                                        RESULT(0), RESULT(1), NULL);
  case 'I':
    return kmshsm_import_key_material(session, TEXT(0), BYTES(1), BYTES(2), 0);
  case 'T':
    return begin_toil();
  case 't':
    return end_toil();
  case 'K':
    return keep();
  case 'R':
    return keep_rsa();
  case 'W':
    return write_from_secret_memory();
  default:
    _exit(2);
  }
}

int main(void)
{
  /* Where only parents may trace, as Yama has it, the tester may be another.
   */
  prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY, 0, 0, 0);
  for(;;)
    answer(serve(ask()));
}
