/* SPDX-License-Identifier: Apache-2.0
 *
 * A receiver of one group in C11, on the receiver core alone (docs/receiver-library.md): it joins by
 * MIKEYv2, follows the group's keys and prints which it has, by fingerprint; SRTP itself would have
 * the keys in its place. SIGINT and SIGTERM leave the group.
 *
 * receive SERVER PORT GROUP GROUP-PORT INTERFACE URI IDENTITY KEY-FILE STATE-FILE [dh]
 *
 * Addresses are IPv4. KEY-FILE has the user key, 16 to 32 octets; STATE-FILE is made. With `dh` it
 * joins by Diffie-Hellman alone.
 *
 * Compiled with WITH_CERTIFICATES, and linked to libkeymast-receiver-certificates, in place of `dh`:
 *
 *   CERTIFICATES PRIVATE-KEY ANCHORS USAGE [KNOWN]
 *
 * joins by certificate; KEY-FILE may be empty then. USAGE is the extended key usage of servers, all
 * others are files of PEM. With the server's certificate in KNOWN both sides show hashes alone.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <keymast/receiver.h>
#include <keymast/receiver_crypto.h>
#ifdef WITH_CERTIFICATES
#include <keymast/receiver_x509.h>
#endif
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { GO_ON, END, BROKEN };

static keymast_receiver receiver; /* 16 KiB, with keys in it */
static const keymast_crypto* crypto;
static int to_server = -1;
static const char* state_file;
static volatile sig_atomic_t is_told_to_end;

/* When to join again after a join that failed: each time twice as late, and not all receivers at
 * once. */
enum { FIRST_PAUSE = 1000, LAST_PAUSE = 64000 };
static uint64_t again_at = KEYMAST_NEVER;
static uint64_t pause_before_again = FIRST_PAUSE;

static void on_signal(int number) {
  (void)number;
  is_told_to_end = 1;
}

/* Any clock that never goes back; this one goes on while the machine sleeps. */
static uint64_t now(void) {
  struct timespec time;
  clock_gettime(CLOCK_BOOTTIME, &time);
  return (uint64_t)time.tv_sec * 1000 + (uint64_t)time.tv_nsec / 1000000;
}

/* The whole file, which has at most `room` octets, or nothing is done. */
static size_t load(const char* name, uint8_t* octets, size_t room, int may_be_missing) {
  FILE* file = fopen(name, "rb");
  if (file == NULL && errno == ENOENT && may_be_missing) return 0;
  if (file == NULL) {
    perror(name);
    exit(1);
  }
  const size_t size = fread(octets, 1, room, file);
  const int is_whole = fgetc(file) == EOF && ferror(file) == 0;
  fclose(file);
  if (is_whole) return size;
  fprintf(stderr, "%s: cannot be read, or is too long\n", name);
  exit(1);
}

/* A file that took another one's name is there after a loss of power when its folder is on the
 * disk. */
static int sync_folder(const char* name) {
  char folder[4096] = ".";
  const char* slash = strrchr(name, '/');
  if (slash != NULL) snprintf(folder, sizeof folder, "%.*s", (int)(slash - name + 1), name);
  const int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return -1;
  const int synced = fsync(fd);
  close(fd);
  return synced;
}

/* In place of the file before, and on the disk before it returns. */
static int save(keymast_octets octets) {
  char name[4096];
  snprintf(name, sizeof name, "%s.new", state_file);
  FILE* file = fopen(name, "wb");
  if (file == NULL) return -1;
  int bad = fwrite(octets.data, 1, octets.size, file) != octets.size || fflush(file) != 0 ||
            fsync(fileno(file)) != 0;
  bad = fclose(file) != 0 || bad;
  if (bad || rename(name, state_file) != 0) return -1;
  return sync_folder(state_file);
}

static void print_hex(const uint8_t* octets, size_t size) {
  for (size_t i = 0; i < size; ++i) printf("%02x", octets[i]);
}

/* Never the key itself: the front of its hash tells keys apart. */
static void print_key(const keymast_key* key) {
  const keymast_octets parts[] = {{key->key, key->key_size}, {key->salt, key->salt_size}};
  uint8_t hash[32];
  crypto->sha256(crypto->user, parts, 2, hash);
  printf("key ");
  print_hex(key->mki, sizeof key->mki);
  printf(" fingerprint ");
  print_hex(hash, 8);
  printf("\n");
}

static void print_streams(uint8_t channel) {
  size_t count = 0;
  const keymast_stream* stream = keymast_receiver_streams(&receiver, channel, &count);
  for (; count > 0; --count, ++stream) {
    printf("stream ssrc %08" PRIx32 " roc %" PRIu32 " profile %u\n", stream->ssrc, stream->roc,
           stream->profile);
  }
}

static void plan_to_join_again(void) {
  uint8_t part = 0;
  crypto->random(crypto->user, &part, 1);
  again_at = now() + pause_before_again + pause_before_again * part / 256;
  if (pause_before_again < LAST_PAUSE) pause_before_again *= 2;
}

/* All that the core asks for, in its order. */
static int act(void) {
  keymast_action action;
  while (keymast_receiver_next(&receiver, &action) != 0) {
    switch (action.kind) {
      case KEYMAST_PERSIST:
        if (save(action.octets) != 0) return perror(state_file), BROKEN; /* and do not go on */
        break;
      case KEYMAST_KEY_RETIRED: /* SRTP drops it */
        printf("retired ");
        print_hex(action.octets.data, action.octets.size);
        printf("\n");
        break;
      case KEYMAST_KEY_INSTALLED: /* key and salt go into SRTP */
        print_key(action.key);
        break;
      case KEYMAST_SEND: /* one that is lost is sent again in time */
        if (send(to_server, action.octets.data, action.octets.size, 0) < 0) perror("send");
        break;
      case KEYMAST_JOINED:
        pause_before_again = FIRST_PAUSE;
        again_at = KEYMAST_NEVER;
        print_streams(action.channel);
        break;
      case KEYMAST_FAILED: /* keys that it has stay */
        printf("failed: %s\n", keymast_reason_name(action.reason));
        plan_to_join_again();
        break;
      case KEYMAST_LEFT:
        printf("left: %s\n", keymast_reason_name(action.reason));
        return END;
      case KEYMAST_NONE:
        break;
    }
  }
  return GO_ON;
}

static struct sockaddr_in address_of(const char* address, const char* port) {
  struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(port))};
  if (inet_pton(AF_INET, address, &at.sin_addr) != 1) {
    fprintf(stderr, "not an IPv4 address: %s\n", address);
    exit(2);
  }
  return at;
}

static int open_server(const char* address, const char* port) {
  const struct sockaddr_in to = address_of(address, port);
  const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  return connect(fd, (const struct sockaddr*)&to, sizeof to) == 0 ? fd : -1;
}

static int open_group(const char* address, const char* port, const char* interface) {
  const struct sockaddr_in at = address_of(address, port);
  const struct ip_mreq group = {at.sin_addr, address_of(interface, "0").sin_addr};
  const int on = 1;
  const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  const int is_open = setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0 &&
                      bind(fd, (const struct sockaddr*)&at, sizeof at) == 0 &&
                      setsockopt(fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, &group, sizeof group) == 0;
  return is_open ? fd : -1;
}

static int receive(int fd) {
  uint8_t datagram[2048];
  const ssize_t size = recv(fd, datagram, sizeof datagram, MSG_DONTWAIT);
  if (size < 0) return GO_ON;
  const keymast_octets octets = {datagram, (size_t)size};
  const keymast_reason discard = keymast_receiver_receive(&receiver, octets, now());
  if (discard != KEYMAST_OK) fprintf(stderr, "discard: %s\n", keymast_reason_name(discard));
  return act();
}

static int wait_for(uint64_t deadline, struct pollfd* sockets) {
  const uint64_t begin = now();
  const uint64_t wait = deadline > begin ? deadline - begin : 0;
  const int ready = poll(sockets, 2, wait > 200 ? 200 : (int)wait); /* and look for signals */
  int state = GO_ON;
  for (int i = 0; ready > 0 && i < 2 && state == GO_ON; ++i) {
    /* What ICMP says of the server's port would end each poll at once until it is received. */
    if ((sockets[i].revents & (POLLIN | POLLERR)) != 0) state = receive(sockets[i].fd);
  }
  return state;
}

static int join(const keymast_group* group) {
  again_at = KEYMAST_NEVER;
  keymast_receiver_join(&receiver, 0, group, now());
  return act();
}

static int follow(const keymast_group* group, struct pollfd* sockets) {
  int is_leaving = 0;
  int state = act();
  while (state == GO_ON) {
    state = wait_for(keymast_receiver_deadline(&receiver), sockets);
    if (state == GO_ON && keymast_receiver_deadline(&receiver) <= now()) {
      keymast_receiver_tick(&receiver, now());
      state = act();
    }
    if (state == GO_ON && !is_leaving && again_at <= now()) state = join(group);
    if (state != GO_ON || !is_told_to_end || is_leaving) continue;
    is_leaving = 1;
    keymast_receiver_leave(&receiver, 0, now());
    state = act();
    /* A group without REPORT is not told: there is nothing to wait for. */
    if (state == GO_ON && keymast_receiver_deadline(&receiver) == KEYMAST_NEVER) state = END;
  }
  return state;
}

#ifdef WITH_CERTIFICATES
static keymast_octets load_pem(const char* name) {
  static uint8_t room[5][65536];
  static size_t used;
  uint8_t* octets = room[used++];
  return (keymast_octets){octets, load(name, octets, sizeof room[0], 0)};
}

/* The owner lives as long as the program. */
static const keymast_certificates* load_certificates(char** names, int count) {
  keymast_x509_settings settings = {.certificates = load_pem(names[0]),
                                    .private_key = load_pem(names[1]),
                                    .anchors = load_pem(names[2]),
                                    .controller_usage = names[3]};
  if (count == 5) settings.known = load_pem(names[4]);
  settings.shown_by_hash = count == 5;
  static keymast_x509* owner;
  const keymast_reason reason = keymast_x509_new(&settings, &owner);
  if (reason == KEYMAST_OK) return keymast_x509_certificates(owner);
  fprintf(stderr, "certificates: %s\n", keymast_reason_name(reason));
  exit(1);
}
enum { MOST_ARGUMENTS = 15 };
#else
static const keymast_certificates* load_certificates(char** names, int count) {
  (void)names, (void)count;
  return NULL;
}
enum { MOST_ARGUMENTS = 11 };
#endif

int main(int argc, char** argv) {
  const int has_certificates = argc >= 14 && argc <= MOST_ARGUMENTS;
  if (argc != 10 && argc != 11 && !has_certificates) {
    fprintf(stderr, "receive SERVER PORT GROUP GROUP-PORT INTERFACE URI IDENTITY KEY-FILE "
                    "STATE-FILE [dh]\n");
    return 2;
  }
  state_file = argv[9];
  uint8_t key[KEYMAST_MAX_USER_KEY];
  uint8_t saved[KEYMAST_SAVED_SIZE];
  const keymast_member member = {.id_type = KEYMAST_NAI,
                                 .identity = {(const uint8_t*)argv[7], strlen(argv[7])},
                                 .user_key = {key, load(argv[8], key, sizeof key, 0)},
                                 .offers_sha1 = 1,
                                 .needs_dh = argc == 11,
                                 .certificates = has_certificates
                                                     ? load_certificates(argv + 10, argc - 10)
                                                     : NULL};
  const keymast_group group = {.uri = {(const uint8_t*)argv[6], strlen(argv[6])}};
  const keymast_octets state = {saved, load(state_file, saved, sizeof saved, 1)};
  to_server = open_server(argv[1], argv[2]);
  struct pollfd sockets[] = {{to_server, POLLIN, 0},
                             {open_group(argv[3], argv[4], argv[5]), POLLIN, 0}};
  if (sockets[0].fd < 0 || sockets[1].fd < 0) return perror("socket"), 1;
  const struct sigaction end = {.sa_handler = on_signal};
  sigaction(SIGINT, &end, NULL);
  sigaction(SIGTERM, &end, NULL);
  setvbuf(stdout, NULL, _IOLBF, 0);

  crypto = keymast_crypto_openssl();
  keymast_reason reason = keymast_receiver_init(&receiver, crypto, &member, state);
  const int is_made = reason != KEYMAST_INVALID_ARGUMENT;
  /* A state that is damaged ends it: without one, what was recorded would be taken again. */
  if (reason == KEYMAST_OK) reason = keymast_receiver_join(&receiver, 0, &group, now());
  if (reason != KEYMAST_OK) fprintf(stderr, "%s\n", keymast_reason_name(reason));
  const int end_state = reason == KEYMAST_OK ? follow(&group, sockets) : BROKEN;
  if (is_made) keymast_receiver_wipe(&receiver);
  return end_state == END ? 0 : 1;
}
