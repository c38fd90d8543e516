"""What several families of distortions share: filters, color spaces, tone curves, random draws, compiled loops."""
