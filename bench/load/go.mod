module sameorigin/bench/load

go 1.21
