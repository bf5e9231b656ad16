// Threads that help others with jobs of many parts.
#pragma once

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <new>
#include <thread>
#include <utility>

namespace jrecomp {

class Team {
public:
    // The machine may allow fewer helpers. They are detached, so that neither the end of the process nor that of
    // a fork, where they do not exist, waits for them.
    explicit Team(std::size_t helpers) : shared_(std::make_shared<Shared>()) {
        try {
            for (; helpers_ < helpers; ++helpers_) std::thread(help, shared_).detach();
        } catch (const std::exception&) {
        }
    }

    ~Team() {
        const std::lock_guard<std::mutex> lock(shared_->mutex);
        shared_->ended = true;
        shared_->begun.notify_all();
    }

    Team(const Team&) = delete;
    Team& operator=(const Team&) = delete;

    // Calls part(i) for each i < count, in the caller's thread and up to this number of helpers. Several threads
    // may call at once; helpers serve the first call first. Rethrows what the last failed part threw.
    void run(std::size_t count, std::size_t helpers, std::function<void(std::size_t)> part) {
        helpers = std::min<std::size_t>(helpers, helpers_);
        const auto job = std::make_shared<Job>();
        job->count = count;
        job->part = std::move(part);
        if (helpers) {
            const std::lock_guard<std::mutex> lock(shared_->mutex);
            shared_->jobs.push_back(job);
        }
        for (std::size_t i = 0; i < helpers; ++i) shared_->begun.notify_one();
        job->work(*shared_);
        std::unique_lock<std::mutex> lock(shared_->mutex);
        shared_->completed.wait(lock, [&] { return job->finished == job->count; });
        if (job->error) std::rethrow_exception(job->error);
    }

private:
    struct Shared;

    struct Job {
        std::size_t count = 0, finished = 0;
        std::atomic<std::size_t> next{0};
        std::function<void(std::size_t)> part;
        std::exception_ptr error;

        // Computes parts until all have begun.
        void work(Shared& shared) {
            std::size_t done = 0;
            std::exception_ptr failed;
            for (std::size_t i = next++; i < count; i = next++, ++done) {
                try {
                    part(i);
                } catch (...) {
                    failed = std::current_exception();
                }
            }
            const std::lock_guard<std::mutex> lock(shared.mutex);
            shared.jobs.erase(std::remove_if(shared.jobs.begin(), shared.jobs.end(),
                                             [&](const auto& job) { return job.get() == this; }),
                              shared.jobs.end());
            if (failed) error = failed;
            finished += done;
            if (finished == count) shared.completed.notify_all();
        }
    };

    struct Shared {
        std::mutex mutex;
        std::condition_variable begun, completed;
        std::deque<std::shared_ptr<Job>> jobs;  // with parts that have not begun
        bool ended = false;
    };

    static void help(const std::shared_ptr<Shared>& shared) {
        try {
            throw std::bad_alloc();  // gives the thread its storage for exceptions before memory is short
        } catch (const std::bad_alloc&) {
        }
        std::unique_lock<std::mutex> lock(shared->mutex);
        while (true) {
            shared->begun.wait(lock, [&] { return shared->ended || !shared->jobs.empty(); });
            if (shared->ended) return;
            const std::shared_ptr<Job> job = shared->jobs.front();
            lock.unlock();
            job->work(*shared);
            lock.lock();
        }
    }

    std::shared_ptr<Shared> shared_;
    std::size_t helpers_ = 0;
};

}  // namespace jrecomp
