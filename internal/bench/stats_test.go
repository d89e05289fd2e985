package main

import (
	"testing"
	"time"
)

func TestPercentileIsTheNearestRank(t *testing.T) {
	t.Parallel()
	hundred := make([]time.Duration, 100)
	for i := range hundred {
		hundred[i] = time.Duration(i + 1)
	}
	for name, c := range map[string]struct {
		sorted []time.Duration
		p      float64
		want   time.Duration
	}{
		"nothing measured":             {nil, 99, 0},
		"one value is every one":       {[]time.Duration{7}, 1, 7},
		"half of one hundred":          {hundred, 50, 50},
		"ninety-nine of one hundred":   {hundred, 99, 99},
		"all":                          {hundred, 100, 100},
		"none is the smallest":         {hundred, 0, 1},
		"half of an odd count":         {[]time.Duration{1, 2, 9}, 50, 2},
		"half of an even count":        {[]time.Duration{1, 2, 9, 10}, 50, 2},
		"between two ranks, the upper": {[]time.Duration{1, 2, 9}, 34, 2},
		"few values, high percentile":  {[]time.Duration{1, 2, 9}, 99, 9},
	} {
		if got := percentile(c.sorted, c.p); got != c.want {
			t.Errorf("%s: %d, expected %d", name, got, c.want)
		}
	}
}

func TestMedian(t *testing.T) {
	t.Parallel()
	values := []float64{9, 1, 5}
	for _, c := range []struct {
		values []float64
		want   float64
	}{{nil, 0}, {[]float64{3}, 3}, {values, 5}, {[]float64{4, 1, 2, 9}, 3}} {
		if got := median(c.values); got != c.want {
			t.Errorf("%v: %v, expected %v", c.values, got, c.want)
		}
	}
	if values[0] != 9 {
		t.Error("the values were put in order for the caller as well")
	}
}

func TestRatioOfNothing(t *testing.T) {
	t.Parallel()
	if ratio(3, 2) != 1.5 || ratio(3, 0) != 0 || ratio(0, 0) != 0 {
		t.Error(ratio(3, 2), ratio(3, 0), ratio(0, 0))
	}
}
