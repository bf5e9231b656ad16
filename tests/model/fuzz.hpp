// What the programs with random input for the engines share.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <random>

inline std::mt19937 random_source;

inline int random_in(int low, int high) {
    return std::uniform_int_distribution<int>(low, high)(random_source);
}

// Calls round() as often as the first argument says. It returns whether random bytes decoded to something.
// The second argument is the seed.
template <class Round>
void run_rounds(int count, char** arguments, Round round) {
    const long rounds = count > 1 ? std::atol(arguments[1]) : 100;
    random_source.seed(count > 2 ? static_cast<unsigned>(std::atol(arguments[2])) : 1);
    long decoded = 0;
    for (long i = 0; i < rounds; ++i) decoded += round();
    std::printf("%ld rounds, %ld decoded from random bytes\n", rounds, decoded);
}
