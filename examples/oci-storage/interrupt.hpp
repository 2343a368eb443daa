#pragma once

#include <pthread.h>
#include <signal.h>
#include <stop_token>
#include <thread>
#include <time.h>
#include <unistd.h>

namespace oci_storage {

/// While it lives, an interrupt from the keyboard, SIGTERM or SIGHUP asks a long call to stop, so that nothing half done
/// stays behind. A call that does not get to it within two seconds, since it waits for input for example, is ended as
/// the signal would have ended it: then the next opening of the store cleans up.
///
/// Made before the call starts threads of its own: those inherit that the signals are held back.
class Interrupt {
 public:
  Interrupt() {
    ::sigemptyset(&signals_);
    ::sigaddset(&signals_, wake_);
    for (int const signal : {SIGINT, SIGTERM, SIGHUP}) {
      struct sigaction now {};
      if (::sigaction(signal, nullptr, &now) == 0 && now.sa_handler != SIG_IGN)
        ::sigaddset(&signals_, signal);  // nohup
    }
    ::pthread_sigmask(SIG_BLOCK, &signals_, &before_);
    waiting_ = std::thread([this] { wait(); });
  }
  Interrupt(Interrupt const&) = delete;
  Interrupt& operator=(Interrupt const&) = delete;

  /// After a call that was stopped, the process ends here by the signal that it got.
  ~Interrupt() {
    ::pthread_kill(waiting_.native_handle(), wake_);
    waiting_.join();
    ::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
    if (received_ != 0) ::raise(received_);
  }

  std::stop_token token() const { return source_.get_token(); }

 private:
  void wait() {
    int signal = 0;
    if (::sigwait(&signals_, &signal) != 0 || signal == wake_) return;
    received_ = signal;
    source_.request_stop();
    timespec const patience{.tv_sec = 2, .tv_nsec = 0};
    if (::sigtimedwait(&signals_, nullptr, &patience) == wake_) return;
    sigset_t only;
    ::sigemptyset(&only);
    ::sigaddset(&only, signal);
    ::raise(signal);
    ::pthread_sigmask(SIG_UNBLOCK, &only, nullptr);
  }

  static constexpr int wake_ = SIGUSR1;
  sigset_t signals_{};
  sigset_t before_{};
  std::stop_source source_;
  int received_ = 0;  ///< written before the thread is joined, read after
  std::thread waiting_;
};

}  // namespace oci_storage
