// Signals belong to the main thread; every other thread is started with all of them blocked.
#pragma once

#include <pthread.h>
#include <signal.h>

namespace sluice {

// All signals blocked in this thread, and so in the threads it starts, while this lives.
class SignalsBlocked {
 public:
  SignalsBlocked() {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  SignalsBlocked(const SignalsBlocked&) = delete;
  ~SignalsBlocked() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

 private:
  sigset_t before_;
};

}  // namespace sluice
