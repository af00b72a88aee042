"""Training loops of their own, where a head and a plan are not enough: `nano`, how cnnkit's backbone was distilled."""
