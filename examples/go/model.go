package main

import (
	"encoding/json"
	"math/rand/v2"
)

const modelVersion = "1.3.0"

// width of the layers: a forward pass takes 10 to 20 ms on one core, which stands for a GPU here.
const width, layers = 1200, 4

// network is a small network whose weights were drawn, not trained.
type network [layers][]float32

func newNetwork() *network {
	random := rand.New(rand.NewPCG(7, 7))
	n := &network{}
	for i := range n {
		n[i] = make([]float32, width*width)
		for j := range n[i] {
			n[i][j] = float32(random.NormFloat64()) / 35
		}
	}
	return n
}

func (n *network) forward(features map[string]float64) []float32 {
	x := make([]float32, width)
	for i, name := range featureNames {
		for id, value := range features {
			if len(id) > len(name) && id[len(id)-len(name):] == name {
				x[i] += float32(value) + 1
			}
		}
	}
	for _, weights := range n {
		y := make([]float32, width)
		for row := range y {
			var sum float32
			for column, w := range weights[row*width : (row+1)*width] {
				sum += w * x[column]
			}
			y[row] = max(sum, 0)
		}
		x = y
	}
	return x[:5]
}

type answer struct {
	Items []float32 `json:"items"`
	Model string    `json:"model"`
}

// decode is the model's answer as text, cut where the caller's limit is.
func decode(scores []float32, limit int) string {
	text, err := json.Marshal(answer{Items: scores, Model: "ranker"})
	if err != nil {
		return "" // scores that are no numbers: the validation fails
	}
	return string(text[:min(limit, len(text))])
}

// parse reports which field a text lacks to be a valid answer.
func parse(text string) (a answer, reason, field string) {
	if json.Unmarshal([]byte(text), &a) != nil {
		return a, "truncated_json", "unknown"
	}
	if len(a.Items) == 0 {
		return a, "missing_field", "items"
	}
	return a, "", ""
}

// repair closes what was cut after the last whole score.
func repair(text string) string {
	for i := len(text) - 1; i >= 0; i-- {
		if text[i] == ',' {
			return text[:i] + "]}"
		}
	}
	return `{"items":[]}`
}
