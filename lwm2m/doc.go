// Package lwm2m is the vocabulary of LwM2M: paths, typed values, nodes, attributes, links, versions and bindings, without
// any protocol. Clauses are those of OMA-TS-LightweightM2M_Core V1.1.1 unless another one is named.
package lwm2m
