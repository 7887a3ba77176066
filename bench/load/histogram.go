package main

import (
	"math/bits"
	"time"
)

// histogram counts latencies in buckets of 1/32 of their size (3 %).
type histogram struct {
	buckets [64 * 32]int64
	count   int64
}

func (h *histogram) add(latency time.Duration) {
	h.buckets[bucketOf(uint64(latency))]++
	h.count++
}

func bucketOf(value uint64) int {
	if value < 32 {
		return int(value)
	}
	shift := bits.Len64(value) - 6
	return shift*32 + int(value>>shift)
}

func lowest(bucket int) uint64 {
	if bucket < 64 {
		return uint64(bucket)
	}
	shift := bucket/32 - 1
	return uint64(bucket-shift*32) << shift
}

// at gives a quantile in microseconds.
func (h *histogram) at(quantile float64) float64 {
	seen := int64(0)
	for bucket, count := range h.buckets {
		seen += count
		if count > 0 && float64(seen) >= quantile*float64(h.count) {
			return float64(lowest(bucket)) / 1000
		}
	}
	return 0
}

func merge(all []histogram) *histogram {
	var sum histogram
	for i := range all {
		for bucket, count := range all[i].buckets {
			sum.buckets[bucket] += count
		}
		sum.count += all[i].count
	}
	return &sum
}
