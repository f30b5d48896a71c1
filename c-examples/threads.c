/* Threads that share a session: a pool of them takes messages from one queue,
 * encrypts and decrypts each, and tells what each thread did.
 *
 *   threads [THREADS]
 *
 * Any handle may be used by any thread, by several at once, and needs no lock;
 * kmshsm_last_error() is of the thread that asks. The store is in memory.
 * Build: see Makefile. Exit codes: 0, or the family of the error, see
 * kmshsm.h; 1 if anything is not as it should be.
 */
#include "store.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define THREADS_MAX 64
#define MESSAGES 10000

/* What the threads share: a queue with a lock, and what is only read. */
typedef struct {
  pthread_mutex_t lock;
  unsigned next, end; /* messages that nobody has taken yet */
  place place;
  char key[37];
} pool;

typedef struct {
  pthread_t thread;
  pool *pool;
  unsigned done;
  int code;
} worker;

/* Takes a message. A thread that has failed ends the work of all. */
static int take(worker *w, unsigned *message)
{
  pool *pool = w->pool;
  int is_there;
  pthread_mutex_lock(&pool->lock);
  if(w->code)
    pool->end = pool->next;
  is_there = pool->next < pool->end;
  if(is_there)
    *message = pool->next++;
  pthread_mutex_unlock(&pool->lock);
  return is_there;
}

static int encrypt_and_back(const pool *pool, unsigned message)
{
  char text[32], context[48];
  uint8_t blob[sizeof(text) + KMSHSM_CIPHERTEXT_OVERHEAD], back[sizeof(text)];
  size_t blob_len, back_len;
  kmshsm_status status;
  snprintf(text, sizeof(text), "message %u", message);
  snprintf(context, sizeof(context), "{\"number\":\"%u\"}", message);
  status =
      kmshsm_encrypt(pool->place.session, pool->key, (const uint8_t *)text,
                     strlen(text), context, blob, sizeof(blob), &blob_len);
  if(!status)
    status = kmshsm_decrypt(pool->place.session, blob, blob_len, context, back,
                            sizeof(back), &back_len);
  if(status)
    return refused(text, status);
  return back_len == strlen(text) && !memcmp(back, text, back_len)
             ? 0
             : failed(text, "comes back as something else", 0);
}

static void *work(void *given)
{
  worker *w = given;
  unsigned message;
  while(take(w, &message)) {
    w->code = encrypt_and_back(w->pool, message);
    w->done += !w->code;
  }
  return NULL;
}

static int run(pool *pool, unsigned threads)
{
  static worker workers[THREADS_MAX];
  unsigned i, started, done = 0;
  int code = 0;
  pthread_mutex_lock(&pool->lock); /* all begin together */
  for(started = 0; started < threads && !code; started += !code) {
    workers[started].pool = pool;
    if(pthread_create(&workers[started].thread, NULL, work, workers + started))
      code = failed("thread", "cannot be started", 0);
  }
  pthread_mutex_unlock(&pool->lock);
  for(i = 0; i < started; i++) {
    pthread_join(workers[i].thread, NULL);
    printf("thread %u: %u messages\n", i + 1, workers[i].done);
    done += workers[i].done;
    code = code ? code : workers[i].code;
  }
  printf("%u threads, %u messages\n", started, done);
  return code;
}

int main(int argc, char **argv)
{
  unsigned threads = argc > 1 ? (unsigned)atoi(argv[1]) : 4;
  pool pool = {PTHREAD_MUTEX_INITIALIZER, 0, MESSAGES, {NULL, NULL}, ""};
  int code;
  if(argc > 2 || threads < 1 || threads > THREADS_MAX)
    return failed("threads", "see the top of its source", 0);
  code = place_in_memory(&pool.place);
  if(!code)
    code = ask(&pool.place, "CreateKey", "{\"ProtectionLevel\":\"HSM\"}",
               "KeyId", pool.key, sizeof(pool.key));
  if(!code)
    code = run(&pool, threads);
  place_close(&pool.place);
  return code;
}
