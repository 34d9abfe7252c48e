package mesh

import "math"

// How well a frame survives noise and other frames: the bit error rate of the 2.4 GHz O-QPSK radio (IEEE 802.15.4-2006
// annex E.4.1.8), in whole dB, with the dB that real receivers lose against the formula.

const (
	noiseFloor   = -103 // dBm in 2 MHz, with a usual noise figure
	receiverLoss = 3    // dB between the formula and a receiver that one can buy
	// Sensitivity in dBm: weaker signals are never received. It is 3 dB above the noise floor that nodes reckon with, so
	// that a link whose quality they take for none carries nothing.
	Sensitivity   = -97
	audible       = -106 // dBm: weaker signals do not even disturb
	carrierSensed = -97  // dBm: a carrier that a radio notices when it looks whether the channel is free
	lowestRatio   = -8
	highestRatio  = 8
	certainFactor = 1e-12
)

// milliwatts of a signal in dBm, from -128 to 127.
var milliwatts = func() (t [256]float64) {
	for i := range t {
		t[i] = math.Pow(10, float64(i-128)/10)
	}
	return
}()

func power(rssi int8) float64 { return milliwatts[int(rssi)+128] }

// bitErrors by the signal-to-noise ratio in whole dB.
var bitErrors = func() (t [highestRatio - lowestRatio + 1]float64) {
	choose := [17]float64{1}
	for i := 1; i <= 16; i++ {
		choose[i] = choose[i-1] * float64(17-i) / float64(i)
	}
	for i := range t {
		ratio := math.Pow(10, float64(i+lowestRatio-receiverLoss)/10)
		sum, sign := 0.0, 1.0
		for k := 2; k <= 16; k++ {
			sum += sign * choose[k] * math.Exp(20*ratio*(1/float64(k)-1))
			sign = -sign
		}
		t[i] = min(0.5, max(0, sum*8/15/16))
	}
	return
}()

// survives returns the chance that a frame of n bytes gets through, for a signal against noise and interference in mW.
func survives(rssi int8, interference float64, n int) float64 {
	ratio := 10 * math.Log10(power(rssi)/(power(noiseFloor)+interference))
	switch {
	case ratio < lowestRatio:
		return 0
	case ratio > highestRatio:
		return 1
	}
	e := bitErrors[int(math.Round(ratio))-lowestRatio]
	if e*float64(8*n) < certainFactor {
		return 1
	}
	return math.Pow(1-e, float64(8*n))
}
