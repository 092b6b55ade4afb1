"""How alike images are, one by one (PSNR, SSIM) and as sets (FID, KID)."""
