package command

import (
	"context"
	"strings"

	"github.com/spf13/cobra"

	"tunebench/backend/artifact"
	"tunebench/backend/chat"
)

func newModels(g *globals) *cobra.Command {
	return group("models", "The models of the account", listCommand(g, "list", "Every model that can be talked to",
		func(ctx context.Context, s *session) ([]chat.Model, error) { return s.chat.Models(ctx) },
		[]string{"model", "kind", "prompt format", "name", "id"},
		func(m chat.Model) []string { return []string{m.Ref, string(m.Kind), m.PromptFormat, m.Name, m.ID} }), newModelShow(g), newModelFormat(g), newProve(g))
}

func newModelFormat(g *globals) *cobra.Command {
	return &cobra.Command{
		Use: "format MODEL FORMAT", Short: "Record the prompt format that an imported model was trained with", Args: cobra.ExactArgs(2),
		Long: "Records with which prompt format an imported model was trained: prompts are rendered in it\nfrom then on. tunebench models prove shows whether it fits. Formats: " + strings.Join(artifact.Formats(), ", "),
		ValidArgsFunction: func(_ *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
			if len(args) == 1 {
				return artifact.Formats(), cobra.ShellCompDirectiveNoFileComp
			}
			return nil, cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx := cmd.Context()
			return g.with(ctx, func(s *session) error {
				m, err := s.chat.Resolve(ctx, args[0])
				if err != nil {
					return err
				}
				if err := s.chat.SetPromptFormat(ctx, m, args[1]); err != nil {
					return err
				}
				g.say("%s is asked in prompts as %s; whether that fits shows: tunebench models prove %s", m.Ref, args[1], m.Ref)
				return nil
			})
		},
	}
}
